"""What a worker tells of its groups, on a real PostgreSQL."""

from dataclasses import replace

import asyncpg

from bridge.consumer.registration import register
from bridge.handling import Handling
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts


async def nothing(_: Handling) -> None: ...


async def test_a_groups_row_says_what_it_consumes_and_follows_its_code(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    handlers = {orders.OrderShipped: nothing, orders.OrderConfirmed: nothing}
    group = Subscription("causeway.x.y", handlers, tables=("seen",), effects=("email",))
    await register(pool, [group], parts.catalog)
    await register(pool, [group, Subscription("causeway.x.z", handlers)], parts.catalog)
    await register(pool, [replace(group, live=False, effects=())], parts.catalog)
    first, second = await connection.fetch("SELECT * FROM bridge.consumers ORDER BY consumer_group")
    assert first["types"] == [
        "causeway.orders.v1.OrderConfirmed",
        "causeway.orders.v1.OrderShipped",
    ]
    assert (first["topics"], first["tables"]) == ([parts.topic], ["seen"])
    assert (first["effects"], first["live"]) == ([], False)
    assert (second["consumer_group"], second["live"]) == ("causeway.x.z", True)
