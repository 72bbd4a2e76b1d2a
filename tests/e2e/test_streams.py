"""An order, watched over REST as curl and a browser would, until the stream ends."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import httpx_sse
import pytest

from tests.e2e.conftest import Customer, back, eventually, password_grant
from tests.platform import Platform

NDJSON, SSE = "application/x-ndjson", "text/event-stream"
STYLES = pytest.mark.parametrize("accept", [NDJSON, SSE])
REPLICAS = ("orders-api-1", "orders-api-2")


@pytest.fixture
def order(rest: httpx.Client, customer: Customer) -> str:
    body = {"items": [{"sku": "book", "quantity": 1}]}
    answer = rest.post("/v1/orders", json=body, headers=customer.headers)
    name: str = answer.raise_for_status().json()["name"]
    return name


@contextmanager
def watching(rest: httpx.Client, order: str, accept: str, token: str) -> Iterator[Iterator[Any]]:
    headers = {"accept": accept, "authorization": f"Bearer {token}"}
    with rest.stream("GET", f"/v1/{order}:watch", headers=headers) as answer:
        assert answer.headers["content-type"] == accept
        if accept == SSE:
            yield (event.json() for event in httpx_sse.EventSource(answer).iter_sse())
        else:
            yield (json.loads(line) for line in answer.iter_lines())


def watch(rest: httpx.Client, order: str, accept: str, token: str) -> list[Any]:
    with watching(rest, order, accept, token) as records:
        return [*records]


@contextmanager
def short_lived(causeway: Platform, seconds: int) -> Iterator[None]:
    """Tokens that are fetched meanwhile live so long."""
    keycloak = causeway["CAUSEWAY_KEYCLOAK"]
    credentials = {
        "grant_type": "password",
        "client_id": "admin-cli",
        "username": "admin",
        "password": os.environ["CAUSEWAY_TEST_KEYCLOAK_PASSWORD"],
    }
    with httpx.Client(base_url=keycloak, timeout=30) as admin:
        path = "/realms/master/protocol/openid-connect/token"
        granted = admin.post(path, data=credentials).raise_for_status().json()
        admin.headers["authorization"] = f"Bearer {granted['access_token']}"
        clients = "/admin/realms/causeway/clients"
        found = admin.get(clients, params={"clientId": "causeway-cli"}).raise_for_status()
        [client] = found.json()
        life = {"access.token.lifespan": str(seconds)}
        changed = {**client, "attributes": {**client["attributes"], **life}}
        admin.put(f"{clients}/{client['id']}", json=changed).raise_for_status()
        try:
            yield
        finally:
            before = {"access.token.lifespan": "", **client["attributes"]}
            restored = {**client, "attributes": before}
            admin.put(f"{clients}/{client['id']}", json=restored).raise_for_status()


def test_a_watched_order_ends_with_its_token_in_either_style(
    causeway: Platform, rest: httpx.Client, customer: Customer, order: str
) -> None:
    with short_lived(causeway, 4):
        token = password_grant(causeway, customer.username, "correct-horse-battery")
    begun = time.monotonic()
    with ThreadPoolExecutor() as pool:
        told = [*pool.map(lambda accept: watch(rest, order, accept, token), (NDJSON, SSE))]
    assert time.monotonic() - begun < 4 + 30
    for first, *_, last in told:
        assert first["order"]["name"] == order
        assert last["end"]["code"] == 16
        assert last["end"]["details"][0]["reason"] == "TOKEN_EXPIRED"


def test_a_replica_that_is_stopped_tells_its_watchers_to_come_again(
    causeway: Platform, rest: httpx.Client, customer: Customer, order: str
) -> None:
    parts = causeway.status()["components"]
    stopped = {part["name"]: part["pid"] for part in parts if part["name"] in REPLICAS}
    with (
        watching(rest, order, NDJSON, customer.token) as one,
        watching(rest, order, NDJSON, customer.token) as other,
    ):
        assert next(one)["order"]["name"] == next(other)["order"]["name"] == order
        for pid in stopped.values():
            os.kill(pid, signal.SIGTERM)
        ends = [[*records][-1] for records in (one, other)]
    assert {end["end"]["code"] for end in ends} == {14}
    # The token of the end record goes on where the stream was.
    eventually(lambda: back(causeway, stopped), "both are back", seconds=60)
    resumed = {"resumeToken": ends[0]["resumeToken"]}

    def first() -> Any:
        with rest.stream(
            "GET", f"/v1/{order}:watch", params=resumed, headers=customer.headers
        ) as more:
            return more.status_code != 503 and json.loads(next(more.iter_lines()))

    # Where every replica was gone, 503 asks to come once more.
    assert "heartbeat" in eventually(first, "the stream goes on", seconds=30)


@pytest.mark.long
@STYLES
def test_a_quiet_order_gives_signs_of_life(
    rest: httpx.Client, customer: Customer, order: str, accept: str
) -> None:
    with watching(rest, order, accept, customer.token) as records:
        begun = time.monotonic()
        while "heartbeat" not in next(records):
            assert time.monotonic() - begun < 20
