"""What survives a killed process, with everything else real and running."""

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Customer, eventually, whole
from tests.platform import Platform

BODY = {"items": [{"sku": "book", "quantity": 1}]}
READERS = 4
State = Callable[[str, dict[str, str]], str]


def component(causeway: Platform, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in causeway.status()["components"] if c["name"] == name)
    return found


def kill(causeway: Platform, name: str) -> None:
    os.kill(component(causeway, name)["pid"], signal.SIGKILL)


def leaders(causeway: Platform) -> dict[tuple[str, int], int | None]:
    """Who leads each partition; an empty answer is no answer."""
    rows = causeway.status()["partitions"]
    return {(row["topic"], row["partition"]): row["leader"] for row in rows}


@contextmanager
def unsupervised(causeway: Platform) -> Iterator[None]:
    """Nothing that is killed meanwhile is started again."""
    supervisor = causeway.status()["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)


@pytest.fixture(autouse=True)
def _healed(causeway: Platform) -> Iterator[None]:
    """The supervisor brings back what a test killed, before the next test."""
    yield
    eventually(lambda: whole(causeway), "all up and in sync again", seconds=120)


def test_with_one_of_three_brokers_killed_orders_still_confirm_and_status_shows_new_leaders(
    causeway: Platform, rest: httpx.Client, customer: Customer, order_state: State
) -> None:
    before = leaders(causeway)
    broker = Counter(before.values()).most_common(1)[0][0]
    assert broker is not None
    with unsupervised(causeway):
        kill(causeway, f"kafka-{broker}")
        order = rest.post("/v1/orders", json=BODY, headers=customer.headers)
        assert order.status_code == 200, order.text
        eventually(
            lambda: order_state(order.json()["name"], customer.headers) == "STATE_CONFIRMED",
            "confirmation without the broker",
            seconds=90,
        )

        def moved() -> bool:
            now = leaders(causeway)
            return now.keys() == before.keys() and not {broker, None} & set(now.values())

        eventually(moved, "new leaders", seconds=60)


@contextmanager
def reading(rest: httpx.Client, customer: Customer) -> Iterator[Counter[int]]:
    """Safe requests in the background, counted by status, until the block ends."""
    seen: Counter[int] = Counter()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen[rest.get("/v1/products", headers=customer.headers).status_code] += 1

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        yield seen
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def answered(causeway: Platform) -> dict[str, int]:
    """Requests that Envoy sent to each replica of Orders' API."""
    stats = httpx.get(f"{causeway['CAUSEWAY_EDGE_ADMIN']}/clusters?format=json").json()
    hosts = next(c for c in stats["cluster_statuses"] if c["name"] == "orders")["host_statuses"]
    return {
        str(host["address"]["socket_address"]["port_value"]): int(
            next((s.get("value", 0) for s in host["stats"] if s["name"] == "rq_total"), 0)
        )
        for host in hosts
    }


def test_both_replicas_answer_and_killing_one_fails_no_safe_request(
    causeway: Platform, rest: httpx.Client, customer: Customer
) -> None:
    before = answered(causeway)
    assert len(before) == 2
    with reading(rest, customer) as seen:
        eventually(
            lambda: all(answered(causeway)[host] > before[host] for host in before),
            "an answer of each replica",
        )
        kill(causeway, "orders-api-2")
        enough = seen[200] + 200
        eventually(lambda: seen[200] > enough, "requests after the kill", seconds=60)
    # Only a reply that had begun when its replica died can't be repeated by Envoy.
    failed = sum(count for status, count in seen.items() if status != 200)
    assert failed <= READERS, seen


def assignment(rest: httpx.Client, headers: dict[str, str], group: str) -> dict[str, list[str]]:
    """Member id -> its partitions, of the members that have some."""
    groups = rest.get("/v1/cluster", headers=headers).json()["groups"]
    found: list[dict[str, Any]] = next((g["members"] for g in groups if g["id"] == group), [])
    return {m["id"]: m["partitions"] for m in found if m["partitions"]}


def test_each_partition_has_one_member_and_moves_within_ten_seconds(
    causeway: Platform, rest: httpx.Client, operator_headers: dict[str, str]
) -> None:
    group = "causeway.orders.credit"
    wanted = [f"causeway.users.v1/{n}" for n in range(3)]

    def complete() -> dict[str, list[str]]:
        """The assignment, where it gives every partition to exactly one member."""
        found = assignment(rest, operator_headers, group)
        return found if sorted(itertools.chain(*found.values())) == wanted else {}

    def shared() -> dict[str, list[str]]:
        return found if len(found := complete()) == 2 else {}

    def moving() -> float:
        """Seconds from a worker's death until its partitions have another member."""
        before = eventually(shared, "both workers share the partitions", seconds=90)

        # The supervisor starts it again meanwhile: as a new member, which may take its share.
        def moved() -> bool:
            return bool(found := complete()) and len(found.keys() & before.keys()) < 2

        kill(causeway, "orders-worker-2")
        killed = time.monotonic()
        eventually(moved, "the partitions of the killed worker have another member")
        return time.monotonic() - killed

    # Others may have the processor: one try of three says what the product can do.
    assert any(moving() < 10 for _ in range(3))
