"""What a replay would do, asked of real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from bridge.consumer.registration import register
from bridge.errors import FailedPrecondition, InvalidArgument
from bridge.events.event import Origin
from bridge.handling import Handling
from bridge.replay.plan import Plan, count, plan
from bridge.replay.request import Request
from bridge.store.reading import Selection
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import (
    Parts,
    append_many,
    outbox_is_empty,
    relaying,
    until,
)

CONFIRMED, SHIPPED = "causeway.orders.v1.OrderConfirmed", "causeway.orders.v1.OrderShipped"
GROUP, OWN = "causeway.test.group", "causeway.test.own"


async def nothing(_: Handling) -> None:
    """Never run: a plan is only a plan."""


@pytest.fixture(autouse=True)
async def _groups(parts: Parts, pool: asyncpg.Pool) -> None:
    handlers = {orders.OrderConfirmed: nothing, orders.OrderShipped: nothing}
    await register(
        pool,
        [
            Subscription(GROUP, handlers, tables=("rows",), effects=("email", "webhook")),
            Subscription(OWN, handlers, tables=("rows",), live=False),
        ],
        parts.catalog,
    )


async def planned(connection: asyncpg.Connection, request: Request) -> Plan:
    """Plan and count where nothing can be written."""
    async with connection.transaction(readonly=True):
        made = await plan(connection, request)
        await count(connection, made)
        return made


async def fill(parts: Parts, connection: asyncpg.Connection) -> None:
    await append_many(parts, connection, {"o1": 3, "o2": 4})
    shipped = [orders.OrderShipped(order_id="o1")]
    await parts.store.append(connection, "orders/o1", 3, shipped, Origin())


async def counts(connection: asyncpg.Connection, request: Request) -> dict[str, int]:
    async with connection.transaction(readonly=True):
        return dict(await count(connection, await plan(connection, request)))


SELECTED: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "all": ({}, {CONFIRMED: 7, SHIPPED: 1}),
    "a stream": ({"stream": "orders/o1"}, {CONFIRMED: 3, SHIPPED: 1}),
    "a type": ({"types": (SHIPPED,)}, {SHIPPED: 1}),
    "positions": ({"start_position": 2, "end_position": 4}, {CONFIRMED: 3}),
    "a later time": ({"start_time": datetime.now(UTC) + timedelta(days=1)}, {}),
}


@pytest.mark.parametrize(("selection", "wanted"), SELECTED.values(), ids=SELECTED.keys())
async def test_a_plan_counts_the_events_of_each_type_and_writes_nothing(
    parts: Parts,
    connection: asyncpg.Connection,
    selection: dict[str, Any],
    wanted: dict[str, int],
) -> None:
    await fill(parts, connection)
    request = Request("backfill", GROUP, "store", Selection(**selection))
    assert await counts(connection, request) == wanted


async def test_what_kafka_has_is_what_was_published(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await fill(parts, connection)
    request = Request("backfill", GROUP, "kafka")
    assert await counts(connection, request) == {}
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    assert await counts(connection, request) == {CONFIRMED: 7, SHIPPED: 1}


async def test_a_plan_says_which_effects_would_be_off(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    made = await planned(connection, Request("backfill", GROUP, "kafka", effects=("webhook",)))
    assert (made.effects_on, made.effects_off) == (("webhook",), ("email",))
    assert made.types == (CONFIRMED, SHIPPED)
    assert made.topics == (parts.topic,)


async def test_the_origin_that_fits_is_chosen(parts: Parts, connection: asyncpg.Connection) -> None:
    async def origin(mode: str, group: str, **selection: Any) -> str:
        made = await planned(connection, Request(mode, group, "", Selection(**selection)))
        return made.request.origin

    assert await origin("rebuild", GROUP) == "kafka"
    assert await origin("rebuild", OWN) == "store"
    # Nothing of it is in this store: another service writes it.
    assert await origin("backfill", GROUP) == "kafka"
    await append_many(parts, connection, {"o1": 3})
    # Of one of its two types nothing is here.
    assert await origin("backfill", GROUP) == "kafka"
    assert await origin("backfill", GROUP, types=(CONFIRMED,)) == "store"
    assert await origin("redeliver", GROUP, start_position=1) == "store"


async def test_a_store_that_has_nothing_of_it_is_refused(connection: asyncpg.Connection) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await planned(connection, Request("backfill", GROUP, "store"))
    assert refused.value.reason == "NOT_IN_STORE"


async def test_an_unknown_group_is_refused_with_the_names_of_those_that_there_are(
    connection: asyncpg.Connection,
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await planned(connection, Request("rebuild", "causeway.test.nobody"))
    assert refused.value.reason == "UNKNOWN_GROUP"
    assert GROUP in refused.value.message


async def test_a_backfill_over_a_cleaned_inbox_must_name_its_types_or_begin_later(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await append_many(parts, connection, {"o1": 3})
    second: datetime = await connection.fetchval(
        "SELECT time FROM bridge.events WHERE position = 2"
    )
    await connection.execute("UPDATE bridge.consumers SET inbox_start_time = $1", second)
    for selection in (Selection(), Selection(start_position=1)):
        with pytest.raises(FailedPrecondition) as refused:
            await planned(connection, Request("backfill", GROUP, "store", selection))
        assert refused.value.reason == "INBOX_CLEANED"
    for selection in (
        Selection(types=(CONFIRMED,)),
        Selection(start_position=2),
        Selection(start_time=second),
    ):
        await planned(connection, Request("backfill", GROUP, "store", selection))
    # A redelivery has an inbox of its own.
    await planned(connection, Request("redeliver", GROUP, "store", Selection(stream="orders/o1")))
