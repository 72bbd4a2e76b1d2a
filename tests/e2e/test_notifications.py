"""Notifications through the edge: watched, read, and told as their user prefers."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import httpx_sse
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from causeway.notifications.v1 import notification_service_pb2 as pb
from causeway.notifications.v1.notification_service_pb2_grpc import NotificationServiceStub
from tests.e2e.conftest import Customer, eventually
from tests.platform import Platform

NDJSON, SSE = "application/x-ndjson", "text/event-stream"
ORDER = {"items": [{"sku": "book", "quantity": 1}]}


@pytest.fixture
def stub(causeway: Platform) -> Iterator[NotificationServiceStub]:
    target = causeway["CAUSEWAY_EDGE"].removeprefix("http://")
    with grpc.insecure_channel(target) as channel:
        yield NotificationServiceStub(channel)


@contextmanager
def watching(
    rest: httpx.Client, customer: Customer, accept: str, token: str = ""
) -> Iterator[Iterator[dict[str, Any]]]:
    headers = {"accept": accept, **customer.headers}
    params = {"resumeToken": token} if token else {}
    with rest.stream("GET", "/v1/notifications:watch", params=params, headers=headers) as answer:
        assert answer.headers["content-type"] == accept
        if accept == SSE:
            yield (event.json() for event in httpx_sse.EventSource(answer).iter_sse())
        else:
            yield (json.loads(line) for line in answer.iter_lines())


def listed(rest: httpx.Client, customer: Customer) -> list[dict[str, Any]]:
    answer = rest.get("/v1/notifications", headers=customer.headers).raise_for_status()
    notifications: list[dict[str, Any]] = answer.json()["notifications"]
    return notifications


def place(rest: httpx.Client, customer: Customer) -> str:
    answer = rest.post("/v1/orders", json=ORDER, headers=customer.headers).raise_for_status()
    name: str = answer.json()["name"]
    return name


def welcomed(rest: httpx.Client, customer: Customer) -> str:
    """The name of the first notification of a new customer, once it is sent."""

    def sent() -> list[dict[str, Any]]:
        return [one for one in listed(rest, customer) if one["state"] == "STATE_SENT"]

    name: str = eventually(sent, "the welcome")[0]["name"]
    return name


def test_a_page_sees_the_notifications_of_an_order_and_after_a_cut_misses_none(
    rest: httpx.Client, customer: Customer
) -> None:
    with watching(rest, customer, SSE) as records:
        assert "heartbeat" in next(records)
        orders = [place(rest, customer)]
        of_orders = (
            one for one in records if one.get("notification", {}).get("subject") == orders[0]
        )
        first = next(of_orders)
    assert first["notification"]["title"].startswith("We have your order")
    # While nobody watches, more happens.
    orders.append(place(rest, customer))
    seen = {first["notification"]["name"]: first["notification"]}
    # Of each order that it is here, and that it is confirmed.
    with watching(rest, customer, NDJSON, first["resumeToken"]) as records:
        for record in records:
            if "notification" in record:
                seen[record["notification"]["name"]] = record["notification"]
            of_these = [one for one in seen.values() if one["subject"] in orders]
            if len(of_these) == 4 and all(one["state"] == "STATE_SENT" for one in of_these):
                break
    told = {one["name"]: one for one in listed(rest, customer) if one["subject"] in orders}
    assert told == {one["name"]: one for one in of_these}


def test_a_mark_is_its_owners_alone_and_a_stranger_learns_nothing(
    rest: httpx.Client, stub: NotificationServiceStub, new_customer: Callable[[], Customer]
) -> None:
    owner, stranger = new_customer(), new_customer()
    name = welcomed(rest, owner)
    refusals = []
    for asked in (name, f"notifications/{uuid.uuid4()}"):
        with pytest.raises(grpc.RpcError) as caught:
            stub.MarkNotificationRead(
                pb.MarkNotificationReadRequest(name=asked), metadata=stranger.metadata
            )
        answer = rest.post(f"/v1/{asked}:markRead", json={}, headers=stranger.headers)
        said = f"{caught.value.code()} {caught.value.details()} {answer.status_code}"
        refusals.append(said.replace(asked, "NAME"))
    assert refusals[0] == refusals[1]
    assert "NOT_FOUND" in refusals[0]
    assert "readTime" not in listed(rest, owner)[0]
    marked = rest.post(f"/v1/{name}:markRead", json={}, headers=owner.headers).raise_for_status()
    again = stub.MarkNotificationRead(
        pb.MarkNotificationReadRequest(name=name, request_id=str(uuid.uuid4())),
        metadata=owner.metadata,
    )
    assert marked.json()["readTime"] == again.read_time.ToJsonString()
    assert listed(rest, owner)[0] == marked.json()


def test_preferences_are_set_by_mask_over_either_way_and_keep_their_secret(
    rest: httpx.Client, stub: NotificationServiceStub, new_customer: Callable[[], Customer]
) -> None:
    owner, stranger = new_customer(), new_customer()
    hook = {"webhookUri": "https://hooks.example.com/x", "webhookSecret": "a-secret-of-alice"}
    answer = rest.patch("/v1/preferences", json=hook, headers=owner.headers).raise_for_status()
    kept = {"emailDisabled": False, "webhookUri": hook["webhookUri"]}
    assert answer.json() == {**kept, "etag": "1"}
    request = pb.UpdatePreferencesRequest(
        preferences=pb.Preferences(email_disabled=True, etag="1"),
        update_mask=FieldMask(paths=["email_disabled", "webhook_uri"]),
    )
    changed = stub.UpdatePreferences(request, metadata=owner.metadata)
    assert changed == pb.Preferences(email_disabled=True, etag="2")
    with pytest.raises(grpc.RpcError) as stale:
        stub.UpdatePreferences(request, metadata=owner.metadata)
    assert stale.value.code() is grpc.StatusCode.ABORTED
    over_rest = rest.patch(
        "/v1/preferences",
        params={"updateMask": "emailDisabled"},
        json={"etag": "2"},
        headers=owner.headers,
    )
    assert over_rest.raise_for_status().json()["emailDisabled"] is False
    theirs = rest.get("/v1/preferences", headers=stranger.headers).raise_for_status().json()
    assert (theirs["etag"], theirs["webhookUri"]) == ("0", "")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"webhookUri": "https://hooks.example.com/x"}, "preferences.webhook_secret"),
        ({"webhookUri": "https://10.0.0.1/", "webhookSecret": "s"}, "preferences.webhook_uri"),
        ({"webhookUri": "ftp://example.com", "webhookSecret": "s"}, "preferences.webhook_uri"),
    ],
)
def test_a_webhook_that_can_not_be_is_refused_by_field(
    rest: httpx.Client, customer: Customer, said: dict[str, str], field: str
) -> None:
    answer = rest.patch("/v1/preferences", json=said, headers=customer.headers)
    assert answer.status_code == 400
    [violations] = [
        one["fieldViolations"] for one in answer.json()["details"] if "fieldViolations" in one
    ]
    assert [one["field"] for one in violations] == [field]
