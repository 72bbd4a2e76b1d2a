"""The read model of orders is what its events make, however it was spoiled."""

import asyncio
import uuid
from typing import Any

import asyncpg

from bridge.events.catalog import Catalog
from bridge.events.event import Event, Origin
from bridge.handling import Handling
from bridge.kafka.settings import KafkaSettings
from bridge.replay.replayer import Replayer
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders_events
from services.orders import aggregate, projections
from services.orders.aggregate import Line, Order
from services.orders.bootstrap import SOURCE
from services.orders.order_log import OrderLog, fold
from tests.integration.bridge.parts import running, until

KAFKA = KafkaSettings("127.0.0.1:1")
"""Not asked: the events are in the own store."""
CATALOG = Catalog.of(orders_events)
SUBSCRIPTION = Subscription(
    projections.ORDERS_GROUP,
    projections.ORDERS,
    batch=projections.show_all,
    tables=projections.ORDERS_TABLES,
    live=False,
)


async def placed(
    connection: asyncpg.Connection, pool: asyncpg.Pool, log: OrderLog, number: int
) -> Order:
    """An order that has come some way: each state in turn."""
    order_id = f"rebuild-{uuid.uuid4()}"
    lines = [Line("book", 1 + number % 3, 12_500_000_000), Line("lamp", 1, 40_000_000_000)]
    first = aggregate.create(order_id, f"users/u{number % 4}", "EUR", lines)
    assert isinstance(first, list)
    events = await log.together(pool).append(f"orders/{order_id}", 0, first, Origin())
    order = fold(None, events)[-1]
    ways: list[list[Any]] = [
        [],
        [aggregate.confirm],
        [lambda order: aggregate.reject(order, "over the limit")],
        [aggregate.cancel],
        [aggregate.confirm, aggregate.ship],
        [aggregate.confirm, aggregate.ship, aggregate.deliver],
    ]
    for decide in ways[number % len(ways)]:
        order = await log.change(connection, order, decide(order), Origin())
    return order


async def test_a_rebuild_of_orders_gives_the_rows_that_their_commands_wrote(
    database: str, pool: asyncpg.Pool, log: OrderLog
) -> None:
    connection = await asyncpg.connect(database)
    for number in range(30):
        async with connection.transaction():
            await placed(connection, pool, log, number)
    rows = "SELECT * FROM orders ORDER BY id"
    before = await connection.fetch(rows)
    await connection.execute("DELETE FROM orders WHERE customer = 'users/u1'")
    await connection.execute("UPDATE orders SET state = 1, reject_reason = 'spoiled'")
    heard: list[object] = []
    await connection.add_listener("orders_changed", lambda *_: heard.append(1))
    replayer = Replayer([SUBSCRIPTION], CATALOG, SOURCE, database, pool, KAFKA)
    async with running(replayer.run):
        replay_id = str(uuid.uuid4())
        await connection.execute(
            "INSERT INTO bridge.replays (id, mode, consumer_group, origin, actor) "
            "VALUES ($1::uuid, 'rebuild', $2, 'store', 'users/root')",
            replay_id,
            projections.ORDERS_GROUP,
        )

        async def over() -> bool:
            sql = "SELECT state FROM bridge.replays WHERE id = $1::uuid"
            return await connection.fetchval(sql, replay_id) not in ("pending", "running")

        await until(over)
    sql = "SELECT state || error FROM bridge.replays WHERE id = $1::uuid"
    assert await connection.fetchval(sql, replay_id) == "succeeded"
    assert await connection.fetch(rows) == before
    await asyncio.sleep(0.1)
    # Nothing is new, so nobody who watches is woken.
    assert not heard
    await connection.close()


async def test_one_event_at_a_time_makes_the_same_rows(
    database: str, pool: asyncpg.Pool, log: OrderLog
) -> None:
    connection = await asyncpg.connect(database)
    transaction = connection.transaction()
    await transaction.start()
    order = await placed(connection, pool, log, 5)
    row = await connection.fetchrow("SELECT * FROM orders WHERE id = $1", order.id)
    await connection.execute("DELETE FROM orders WHERE id = $1", order.id)
    events: list[Event] = await log._store.load(connection, order.name)
    assert len(events) == 4
    for event in events:
        handler = projections.ORDERS[type(event.message)]
        await handler(Handling(event, connection, event.origin))
    assert await connection.fetchrow("SELECT * FROM orders WHERE id = $1", order.id) == row
    await transaction.rollback()
    await connection.close()
