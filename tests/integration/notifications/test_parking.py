"""An event for somebody whom Notifications does not know yet."""

import uuid
from datetime import UTC, datetime

import asyncpg

from bridge.consumer.inbox import Inbox
from bridge.consumer.lane import Lane
from bridge.consumer.progress import Progress
from bridge.database import acquire
from bridge.events.catalog import Catalog
from bridge.events.codec import headers
from bridge.events.event import Origin
from bridge.events.wire import wire_prefix
from bridge.parking.redrive import Pace, Redriver
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from services.notifications import recipient_table
from services.notifications.handlers import ORDERS, ORDERS_GROUP
from services.notifications.recipient_table import Recipient
from tests.integration.bridge.parts import running, until
from tests.unit.bridge.records import FakeRecord

CATALOG = Catalog.of(orders)
NOTICES = "SELECT count(*) FROM notifications WHERE recipient = $1"


def shipped(user: str, order_id: str) -> FakeRecord:
    message = orders.OrderShipped(order_id=order_id, customer=user)
    kind = CATALOG.type_of(message)
    return FakeRecord(
        key=order_id.encode(),
        value=wire_prefix(1, kind.indexes) + message.SerializeToString(),
        headers=headers(
            str(uuid.uuid4()),
            kind,
            "/causeway/orders",
            f"orders/{order_id}",
            4,
            datetime.now(UTC),
            1,
            Origin(actor=user),
        ),
    )


async def test_an_unknown_recipient_parks_the_order_which_heals_when_the_user_gets_known(
    pool: asyncpg.Pool,
) -> None:
    user_id, order_id = str(uuid.uuid4()), str(uuid.uuid4())
    group = Subscription(ORDERS_GROUP, ORDERS)
    lane = Lane(group.group, Inbox(group, (), CATALOG, pool), 10, patience=0.3)

    async def parked() -> list[str]:
        sql = "SELECT reason FROM bridge.parked WHERE key = $1"
        async with acquire(pool) as connection:
            return [row["reason"] for row in await connection.fetch(sql, order_id)]

    async def is_parked() -> bool:
        return await parked() == ["RECIPIENT_UNKNOWN"]

    async def is_healed() -> bool:
        return await parked() == []

    progress = Progress()
    progress.begin(0)
    lane.put(progress, shipped(f"users/{user_id}", order_id))
    redriver = Redriver([group], CATALOG, pool, Pace(poll=0.1, first_pause=0.2))
    async with running(lambda _: lane.run()), running(redriver.run):
        await until(is_parked)
        assert progress.committable() == 1
        async with acquire(pool) as connection:
            recipient = Recipient("Alice", "alice@example.org")
            await recipient_table.save(connection, user_id, recipient)
        await until(is_healed)
        lane.close()
    async with acquire(pool) as connection:
        assert await connection.fetchval(NOTICES, f"users/{user_id}") == 1
