"""What a caller hears while the database is away."""

import asyncio
import contextlib
import uuid

import asyncpg
import grpc
import pytest

from bridge.server.serve import Server
from causeway.orders.v1 import order_service_pb2 as pb
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.orders.conftest import order_of


async def test_calls_are_unavailable_with_a_time_to_try_again_and_heal_by_themselves(
    alice: Platform, server: Server, pool: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await alice.orders.CreateOrder(order_of(("book", 1)))

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError("no database")

    with monkeypatch.context() as away:
        away.setattr("services.orders.queries.acquire", refuse)
        with pytest.raises(CallFailed) as caught:
            await alice.orders.GetOrder(pb.GetOrderRequest(name=order.name))
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert caught.value.reason == "DATABASE_UNAVAILABLE"
    assert caught.value.retry_after
    assert await alice.orders.GetOrder(pb.GetOrderRequest(name=order.name)) == order


async def test_a_commit_that_is_cut_is_done_or_not_and_a_repeat_says_which(
    alice: Platform, pool: asyncpg.Pool
) -> None:
    """Every backend is killed while orders are placed; each request_id has one order in the end."""
    requests = [order_of(("book", 1), request_id=str(uuid.uuid4())) for _ in range(20)]
    calls = [asyncio.create_task(_outcome(alice, request)) for request in requests]
    await asyncio.sleep(0.05)
    await _cut(pool)
    await asyncio.gather(*calls)
    names = {(await alice.orders.CreateOrder(request)).name for request in requests}
    listed = await alice.orders.ListOrders(pb.ListOrdersRequest(page_size=100))
    assert {order.name for order in listed.orders} == names
    assert len(names) == len(requests)


async def _outcome(caller: Platform, request: pb.CreateOrderRequest) -> None:
    with contextlib.suppress(CallFailed):
        await caller.orders.CreateOrder(request)


async def _cut(pool: asyncpg.Pool) -> None:
    """End every session of this test's database but our own."""
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
