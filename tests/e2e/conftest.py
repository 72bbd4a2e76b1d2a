"""Callers at the edge: fresh customers and the local users, over REST and gRPC."""

import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest

from tests.platform import Platform

TRIES = 5
BUSY = (503, 504)


@dataclass(frozen=True)
class Customer:
    """A customer that this test registered."""

    username: str
    email: str
    token: str
    name: str

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.token)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def password_grant(causeway: Platform, username: str, password: str) -> str:
    """A token straight from Keycloak, as any client would fetch it."""
    answer = httpx.post(
        f"{causeway['CAUSEWAY_KEYCLOAK']}/realms/causeway/protocol/openid-connect/token",
        data={
            "grant_type": "password",
            "client_id": "causeway-cli",
            "username": username,
            "password": password,
        },
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def insisting(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask again while nobody has the time: what has a request id takes effect once."""
    for _ in range(TRIES):
        answer = ask()
        if answer.status_code not in BUSY:
            break
        time.sleep(1)
    return answer


def eventually(probe: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Ask until the answer is true; fails with the last answer."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)
    return answer


def whole(causeway: Platform) -> bool:
    """Whether every part is up, every partition in sync, and the edge sends to every replica."""
    status = causeway.status()
    if not all(part["up"] for part in status["components"]):
        return False
    in_sync = {len(row["in_sync"]) for row in status["partitions"]}
    return in_sync == {3} and not _failing(causeway)


def back(causeway: Platform, before: dict[str, int]) -> bool:
    """Whether the parts of `before`, name -> process id, run anew and the edge sends to them."""
    parts = {part["name"]: part for part in causeway.status()["components"]}
    if not all(parts[name]["up"] and parts[name]["pid"] != pid for name, pid in before.items()):
        return False
    return not _failing(causeway)


def _failing(causeway: Platform) -> bool:
    """Whether the edge holds any replica for dead."""
    asked = httpx.get(f"{causeway['CAUSEWAY_EDGE_ADMIN']}/clusters?format=json", timeout=10)
    clusters = asked.raise_for_status().json()["cluster_statuses"]
    hosts = [host for cluster in clusters for host in cluster.get("host_statuses", ())]
    return any(host["health_status"].get("failed_active_health_check") for host in hosts)


@pytest.fixture
def rest(causeway: Platform) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=causeway["CAUSEWAY_EDGE"], timeout=20) as client:
        yield client


@pytest.fixture
async def channel(causeway: Platform) -> AsyncIterator[grpc.aio.Channel]:
    target = causeway["CAUSEWAY_EDGE"].removeprefix("http://")
    async with grpc.aio.insecure_channel(target) as channel:
        yield channel


@pytest.fixture
def new_customer(causeway: Platform, rest: httpx.Client) -> Callable[[], Customer]:
    """Registers a customer through the edge and logs it in."""

    def register() -> Customer:
        username = f"t-{uuid.uuid4().hex[:12]}"
        password = "correct-horse-battery"
        body = {
            "username": username,
            "email": f"{username}@example.com",
            "displayName": "Test Customer",
            "password": password,
            "requestId": str(uuid.uuid4()),
        }
        answer = insisting(lambda: rest.post("/v1/users:register", json=body))
        assert answer.status_code == 200, answer.text
        token = password_grant(causeway, username, password)
        return Customer(username, f"{username}@example.com", token, answer.json()["name"])

    return register


@pytest.fixture
def customer(new_customer: Callable[[], Customer]) -> Customer:
    return new_customer()


@pytest.fixture
def operator_headers(causeway: Platform) -> dict[str, str]:
    return bearer(password_grant(causeway, "oscar", "causeway-oscar"))


@pytest.fixture
def order_state(rest: httpx.Client) -> Callable[[str, dict[str, str]], str]:
    """The state of an order, by name."""

    def state(name: str, headers: dict[str, str]) -> str:
        answer = rest.get(f"/v1/{name}", headers=headers)
        assert answer.status_code == 200, answer.text
        word: str = answer.json()["state"]
        return word

    return state
