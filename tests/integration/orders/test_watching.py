import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import grpc
import pytest

from causeway.orders.v1 import order_service_pb2 as pb
from client.errors import CallFailed
from client.platform import Platform
from services.orders.order_log import OrderLog
from tests.integration.orders.conftest import order_of, replica
from tests.integration.orders.credit import Credit
from tests.integration.service_kit import As
from tests.unit.server.conftest import Issuer

PENDING, CONFIRMED = pb.Order.STATE_PENDING, pb.Order.STATE_CONFIRMED


@pytest.fixture
def credit(pool: object, log: OrderLog) -> Credit:
    return Credit(pool, log)


@pytest.fixture
async def order(alice: Platform) -> pb.Order:
    return await alice.orders.CreateOrder(order_of(("book", 1)))


def watch(caller: Platform, name: str, token: str = "") -> AsyncIterator[pb.WatchOrderResponse]:
    request = pb.WatchOrderRequest(name=name, resume_token=token)
    return aiter(caller.orders.WatchOrder(request, timeout=20))


async def test_a_watcher_sees_the_order_as_it_is_and_then_every_change(
    alice: Platform, oscar: Platform, credit: Credit, order: pb.Order
) -> None:
    answers = watch(alice, order.name)
    assert (await anext(answers)).order == order
    await credit.reserved(order)
    await oscar.orders.ShipOrder(pb.ShipOrderRequest(name=order.name))
    states = [(await anext(answers)).order.state for _ in range(2)]
    assert states == [CONFIRMED, pb.Order.STATE_SHIPPED]


async def test_a_resumed_watch_tells_what_came_later_and_nothing_twice(
    alice: Platform, oscar: Platform, credit: Credit, order: pb.Order
) -> None:
    first = await anext(watch(alice, order.name))
    await credit.reserved(order)
    await oscar.orders.ShipOrder(pb.ShipOrderRequest(name=order.name))
    answers = watch(alice, order.name, first.resume_token)
    later = [await anext(answers) for _ in range(2)]
    assert [answer.order.etag for answer in later] == ["2", "3"]
    answers = watch(alice, order.name, later[0].resume_token)
    assert (await anext(answers)).order.etag == "3"


async def test_a_resumed_watcher_hears_at_once_that_nothing_is_new(
    alice: Platform, order: pb.Order
) -> None:
    token = (await anext(watch(alice, order.name))).resume_token
    answer = await asyncio.wait_for(anext(watch(alice, order.name, token)), 5)
    assert answer.HasField("heartbeat")
    assert answer.resume_token == token


async def test_a_watch_goes_on_at_another_replica_and_after_a_restart(
    call_as: As,
    database: str,
    pool: asyncpg.Pool,
    log: OrderLog,
    issuer: Issuer,
    products: None,
    credit: Credit,
) -> None:
    user = str(uuid.uuid4())
    order = await call_as(user).orders.CreateOrder(order_of(("book", 1)))
    token = (await anext(watch(call_as(user), order.name))).resume_token
    for told in (credit.reserved, None):
        async with replica(database, pool, log, issuer) as other:
            if told is not None:
                await told(order)
            answers = watch(call_as(user, at=other), order.name, token)
            answer = await anext(answers)
            assert answer.HasField("order") is (told is not None)
            token = answer.resume_token
            await answers.aclose()  # type: ignore[attr-defined]
    cancelled = await call_as(user).orders.CancelOrder(pb.CancelOrderRequest(name=order.name))
    assert (await anext(watch(call_as(user), order.name, token))).order == cancelled


async def test_a_resume_token_is_good_for_its_order_and_caller_alone(
    alice: Platform, call_as: As, oscar: Platform, order: pb.Order
) -> None:
    other = await alice.orders.CreateOrder(order_of(("book", 1)))
    token = (await anext(watch(alice, order.name))).resume_token
    tries = [
        (alice, other.name, token),
        (oscar, order.name, token),
        (alice, order.name, token[:-1] + ("A" if token[-1] != "A" else "B")),
        (alice, order.name, "no token"),
    ]
    for caller, name, said in tries:
        with pytest.raises(CallFailed) as caught:
            await anext(watch(caller, name, said))
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
        assert list(caught.value.violations) == ["resume_token"]


async def test_no_change_is_missed_whenever_it_comes(
    alice: Platform, credit: Credit, pool: asyncpg.Pool
) -> None:
    """Each confirmation races with the first read of its watcher."""

    async def confirmed(order: pb.Order) -> None:
        async for answer in watch(alice, order.name):
            if answer.order.state == CONFIRMED:
                return

    orders = [await alice.orders.CreateOrder(order_of(("book", 1))) for _ in range(20)]
    watchers = [asyncio.create_task(confirmed(order)) for order in orders]
    for order in orders:
        await credit.reserved(order)
    await asyncio.wait_for(asyncio.gather(*watchers), 20)


async def test_changes_are_heard_again_after_the_connection_was_cut(
    alice: Platform, credit: Credit, pool: asyncpg.Pool, order: pb.Order
) -> None:
    answers = watch(alice, order.name)
    assert (await anext(answers)).order.state == PENDING
    # The last that its session said: LISTEN, or the question whether it still lives.
    cut = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE (query LIKE 'LISTEN%' OR query = 'SELECT 1')
        AND datname = current_database() AND pid <> pg_backend_pid()
    """
    assert [row[0] for row in await pool.fetch(cut)] == [True]
    await credit.reserved(order)
    assert (await anext(answers)).order.state == CONFIRMED


async def test_one_connection_listens_for_all_watchers(
    alice: Platform, pool: asyncpg.Pool, order: pb.Order
) -> None:
    streams = [watch(alice, order.name) for _ in range(30)]
    for answers in streams:
        await anext(answers)
    listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    assert await pool.fetchval(listening) <= 20 + 1 + 1, "the pool, the listener, the admin"


async def test_an_unknown_order_is_not_found(alice: Platform) -> None:
    with pytest.raises(CallFailed) as caught:
        await anext(watch(alice, f"orders/{uuid.uuid4()}"))
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
