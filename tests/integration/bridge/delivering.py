"""What tests of backfills and redeliveries share: a handler that leaves a row and a mail a run."""

from collections import Counter

import asyncpg

from bridge.consumer.inbox import Inbox
from bridge.effects import deliveries
from bridge.handling import Handling
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts
from tests.integration.bridge.replaying import MANY, group_of

TOLD = "CREATE TABLE told (id bigserial, event_id text, stream text, version int, epoch text)"
TELL = "INSERT INTO told (event_id, stream, version) VALUES ($1, $2, $3)"
TOTAL = sum(MANY.values())


async def tell(handling: Handling) -> None:
    """The effects: one row for each handled event, and a mail."""
    event = handling.event
    await handling.connection.execute(TELL, event.id, event.stream, event.version)
    await deliveries.enqueue(handling, "email", "users/u1", event.id.encode())


def telling(parts: Parts, **changes: object) -> Subscription:
    wanted: dict[str, object] = {
        "group": group_of(parts),
        "handlers": {orders.OrderConfirmed: tell},
        "effects": ("email",),
    }
    return Subscription(**wanted | changes)  # type: ignore[arg-type]


async def told(connection: asyncpg.Connection) -> dict[str, list[int]]:
    rows = await connection.fetch("SELECT stream, version FROM told ORDER BY id")
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["stream"], []).append(row["version"])
    return found


async def mails(connection: asyncpg.Connection) -> Counter[str]:
    rows = await connection.fetch("SELECT event_id::text AS id FROM bridge.deliveries")
    return Counter(row["id"] for row in rows)


def whole(times: int = 1) -> dict[str, list[int]]:
    return {f"orders/{key}": list(range(1, count + 1)) * times for key, count in MANY.items()}


async def handle_live(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, sql: str
) -> None:
    """Events that the live group has handled: those for which `sql` holds."""
    inbox = Inbox(telling(parts), (), parts.catalog, pool)
    streams = await connection.fetch("SELECT DISTINCT stream FROM bridge.events")
    wanted = {
        row["event_id"]
        for row in await connection.fetch(
            f"SELECT event_id::text AS event_id FROM bridge.events WHERE {sql}"  # noqa: S608
        )
    }
    for row in streams:
        events = await parts.store.load(connection, row["stream"])
        async with connection.transaction():
            await inbox.apply(connection, [one for one in events if one.id in wanted])
