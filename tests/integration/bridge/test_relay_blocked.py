"""What a relay can't go on with: it is said, and nobody else is ended by it."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from bridge.events.catalog import Catalog
from bridge.events.codec import decode
from bridge.events.event import Origin
from bridge.relay.relay import Relay
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import (
    SOURCE,
    Parts,
    append,
    outbox_is_empty,
    read_all,
    relaying,
    seals_topic,
    until,
)


def without(parts: Parts, type_name: str) -> Parts:
    """The parts as a release sees them that does not know a type yet."""
    return replace(
        parts, catalog=Catalog({t.name: t for t in parts.catalog if t.name != type_name})
    )


REJECTED = "causeway.orders.v1.OrderRejected"


async def test_an_unknown_type_blocks_the_older_relay_loudly_and_the_newer_one_takes_over(
    parts: Parts, connection: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await append(parts, connection, "o1", 0)
    rejected = orders.OrderRejected(order_id="o1", reason="NO_CREDIT")
    await parts.store.append(connection, "orders/o1", 1, [rejected], Origin())
    await append(parts, connection, "o1", 2)
    async with relaying(without(parts, REJECTED)) as older:
        await until(lambda: "relay.blocked" in caplog.messages)
        [blocked, *_] = [one for one in caplog.records if one.message == "relay.blocked"]
        assert blocked.__dict__["fields"]["type"] == REJECTED
        assert "Deploy the code that knows it" in str(blocked.exc_info and blocked.exc_info[1])
        await until(lambda: caplog.messages.count("relay.blocked") >= 2)
        assert caplog.messages.count("relay.interrupted") == 0
        async with relaying(parts) as newer:
            await until(lambda: newer.active and older.standing_by)
            await until(lambda: outbox_is_empty(connection))
    # What stood before it was sent once, not again by each session.
    records = await read_all(parts.kafka, parts.topic)
    assert [decode(record, parts.catalog).version for record in records] == [1, 2, 3]


async def test_heads_or_a_measure_that_fail_end_the_relay(
    parts: Parts, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    for part in ("bridge.relay.relay.Heads.run", "bridge.relay.relay.Backlog.run"):
        with monkeypatch.context() as patched:
            patched.setattr(part, broken)
            relay = Relay(
                parts.dsn, parts.kafka, parts.catalog, SOURCE, seals=seals_topic(parts.topic)
            )
            async with asyncio.timeout(10):
                with pytest.raises(RuntimeError, match="a bug"):
                    await relay.run(asyncio.Event())
            assert not relay.active
