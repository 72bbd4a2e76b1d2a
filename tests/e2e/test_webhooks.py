"""A webhook from the edge to a customer's own server, signed with the customer's secret."""

import asyncio
import base64
import hmac
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.e2e.conftest import Customer
from tests.integration.notifications.hookserver import Post, running
from tests.platform import ROOT, Platform
from tests.shell import paste

SECRET = base64.b64encode(b"a key of twenty-four byt").decode()


def verified(post: Post) -> dict[str, Any]:
    """What a post says, once its signature holds."""
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode()
    digest = hmac.digest(base64.b64decode(SECRET), signed + post.body, "sha256")
    wanted = f"v1,{base64.b64encode(digest).decode()}"
    assert hmac.compare_digest(post.headers["webhook-signature"], wanted)
    said: dict[str, Any] = json.loads(post.body)
    assert said["id"] == post.headers["webhook-id"]
    return said


async def told(rest: httpx.AsyncClient, order: str) -> list[dict[str, Any]]:
    """The notifications of an order once both of its events are told, on both channels."""
    async with asyncio.timeout(30):
        while True:
            answer = (await rest.get("/v1/notifications")).raise_for_status().json()
            found = [one for one in answer["notifications"] if one["subject"] == order]
            if [one["state"] for one in found] == ["STATE_SENT"] * 4:
                return found
            await asyncio.sleep(0.2)


def id_of(post: Post) -> str:
    return post.headers["webhook-id"]


async def test_a_customer_is_told_by_webhook_what_becomes_of_its_order(
    causeway: Platform, new_customer: Callable[[], Customer]
) -> None:
    async with (
        running(port=urlsplit(causeway["CAUSEWAY_WEBHOOK"]).port or 0) as hooks,
        httpx.AsyncClient(base_url=causeway["CAUSEWAY_EDGE"], timeout=20) as rest,
    ):
        rest.headers.update(new_customer().headers)
        hooks.answers.append("503")  # the first post of all is tried again
        asked = {"webhookUri": hooks.uri, "webhookSecret": f"whsec_{SECRET}"}
        kept = (await rest.patch("/v1/preferences", json=asked)).raise_for_status()
        assert kept.json()["webhookUri"] == hooks.uri
        assert SECRET not in kept.text
        items = {"items": [{"sku": "book", "quantity": 1}]}
        order = (await rest.post("/v1/orders", json=items)).raise_for_status().json()["name"]
        listed = await told(rest, order)
        async with asyncio.timeout(20):
            while len(hooks.posts) == len({id_of(post) for post in hooks.posts}):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    channels = sorted(one["channel"] for one in listed)
    assert channels == ["CHANNEL_EMAIL"] * 2 + ["CHANNEL_WEBHOOK"] * 2
    said = {one["id"]: one for one in map(verified, hooks.posts) if one["subject"] == order}
    assert {one["type"] for one in said.values()} == {
        "causeway.orders.v1.OrderCreated",
        "causeway.orders.v1.OrderConfirmed",
    }
    assert {f"events/{event_id}" for event_id in said} == {one["cause"] for one in listed}


def test_the_page_switches_a_webhook_on_and_off(
    causeway: Platform, customer: Customer, rest: httpx.Client
) -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
    environment = causeway.environment | causeway.settings | {"TOKEN": customer.token}
    on, off = (json.loads(one.text) for one in paste(blocks, ROOT, environment, timeout=60))
    assert on["webhookUri"] == "https://hooks.example.com/causeway"
    assert off["webhookUri"] == ""
    # What the page warns of.
    address = {"webhookUri": on["webhookUri"]}
    bare = rest.patch("/v1/preferences", json=address, headers=customer.headers)
    assert "needs its secret" in bare.json()["message"]
    for asked in (address | {"webhookSecret": "at-least-sixteen-bytes"}, {"webhookUri": ""}):
        kept = rest.patch("/v1/preferences", json=asked, headers=customer.headers)
        assert kept.json()["webhookUri"] == on["webhookUri"]
