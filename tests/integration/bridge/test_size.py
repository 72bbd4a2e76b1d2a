"""What the store lets in, Kafka takes: seen at the very limit, through real brokers."""

import secrets

import asyncpg
import pytest

from bridge.errors import InvalidArgument
from bridge.events.codec import decode
from bridge.events.event import Origin
from bridge.events.size import MAX_RECORD_BYTES, MAX_TEXT_BYTES
from bridge.relay.outbox import Outbox
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import (
    SOURCE,
    Parts,
    confirmed,
    outbox_is_empty,
    read_all,
    relaying,
    until,
)


async def test_the_largest_event_that_is_let_in_passes_the_brokers(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    def sized(room: int) -> orders.OrderConfirmed:
        return orders.OrderConfirmed(order_id=key, customer="u" * room)

    key = "k" * (MAX_TEXT_BYTES - len("orders/"))
    origin = Origin(actor="a" * MAX_TEXT_BYTES, correlation_id="c" * MAX_TEXT_BYTES)
    too_large = MAX_RECORD_BYTES
    with pytest.raises(InvalidArgument) as refused:
        await parts.store.append(connection, f"orders/{key}", 0, [sized(too_large)], origin)
    over = int(refused.value.metadata["bytes"]) - MAX_RECORD_BYTES
    with pytest.raises(InvalidArgument):
        await parts.store.append(
            connection, f"orders/{key}", 0, [sized(too_large - over + 1)], origin
        )
    largest = sized(too_large - over)
    await parts.store.append(connection, f"orders/{key}", 0, [largest], origin)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    [record] = await read_all(parts.kafka, parts.topic)
    assert decode(record, parts.catalog).message == largest


async def test_a_key_that_no_index_could_hold_is_refused_at_the_command(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    key = secrets.token_hex(4000)
    with pytest.raises(InvalidArgument) as refused:
        await parts.store.append(connection, f"orders/{key}", 0, [confirmed(key)], Origin())
    assert refused.value.reason == "NAME_TOO_LONG"


async def test_large_events_leave_in_pages_of_bounded_bytes(
    parts: Parts, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.relay.outbox.PAGE_BYTES", 1_000_000)
    large = orders.OrderConfirmed(order_id="large", customer=secrets.token_hex(200_000))
    for version in range(5):
        await parts.store.append(connection, "orders/large", version, [large], Origin())
    page = await Outbox(parts.catalog, SOURCE).page(connection, ())
    assert len(page.rows) == 3  # the third begins within the limit
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    found = [decode(record, parts.catalog) for record in await read_all(parts.kafka, parts.topic)]
    assert [event.version for event in found] == [1, 2, 3, 4, 5]
