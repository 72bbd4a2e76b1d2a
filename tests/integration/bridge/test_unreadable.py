"""Records that other clients write: with names that are not UTF-8, in every codec, in any batch."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.producer import message_accumulator
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from bridge.audit.findings import Kind
from bridge.audit.verify import verify
from bridge.consumer.consumer import Consumer
from bridge.errors import Undecodable
from bridge.events.codec import headers
from bridge.events.event import Origin
from bridge.events.wire import wire_prefix
from bridge.handling import Handling
from bridge.kafka.record import Headers
from bridge.kafka.span import open_span
from bridge.replay.source import GivenUp, KafkaSource
from bridge.store.reading import Selection
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import SOURCE, Parts, confirmed, running, seals_topic, until
from tests.raw_name import RawName

BAD: Headers = [(RawName(b"\xff\xfe\xfd"), b"1")]
FOREIGN = (None, b"?", BAD)
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]

Row = tuple[bytes | None, bytes | None, Headers]


@asynccontextmanager
async def producing(parts: Parts, codec: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**parts.kafka.client(), compression_type=codec, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(
    producer: AIOKafkaProducer, parts: Parts, partition: int, rows: Sequence[Row]
) -> None:
    """Write rows as one batch."""
    batch = producer.create_batch()
    for key, value, names in rows:
        assert batch.append(key=key, value=value, timestamp=None, headers=list(names))
    await (await producer.send_batch(batch, parts.topic, partition=partition))


@pytest.fixture(autouse=True)
def _raw_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        message_accumulator, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy
    )


def event(parts: Parts, order_id: str, version: int, more: Headers = ()) -> Row:
    message = confirmed(order_id)
    event_type = parts.catalog[message.DESCRIPTOR.full_name]
    names = headers(
        str(uuid.uuid4()),
        event_type,
        SOURCE,
        f"orders/{order_id}",
        version,
        datetime.now(UTC),
        1,
        Origin(),
    )
    value = wire_prefix(7, event_type.indexes) + message.SerializeToString()
    return (order_id.encode(), value, [*names, *more])


def consumer(parts: Parts, pool: asyncpg.Pool, seen: list[tuple[str, int]]) -> Consumer:
    async def see(handling: Handling) -> None:
        seen.append((handling.event.key, handling.event.version))

    group = Subscription(f"causeway.{parts.topic}.effects", {orders.OrderConfirmed: see})
    return Consumer(group, catalog=parts.catalog, pool=pool, kafka=parts.kafka)


@pytest.mark.parametrize("codec", CODECS)
async def test_all_around_a_name_that_is_not_utf8_is_handled_once_and_a_foreign_record_is_parked(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool, codec: str | None
) -> None:
    seen: list[tuple[str, int]] = []
    async with producing(parts, codec) as producer:
        rows = [event(parts, "a", 1), FOREIGN, event(parts, "a", 2), event(parts, "a", 3, BAD)]
        await send(producer, parts, 0, rows)
        for number in (1, 2):
            await send(producer, parts, number, [event(parts, f"o{number}", 1)])
            await send(producer, parts, number, [FOREIGN, event(parts, f"o{number}", 2)])
        async with running(consumer(parts, pool, seen).run):
            await until(lambda: len(seen) >= 7)
            await send(producer, parts, 0, [event(parts, "a", 4)])
            await until(lambda: len(seen) >= 8)

            async def all_parked() -> bool:
                return bool(await connection.fetchval("SELECT count(*) >= 3 FROM bridge.parked"))

            await until(all_parked)
    assert {key: [version for one, version in seen if one == key] for key, _ in seen} == {
        "a": [1, 2, 3, 4],  # what has all that an event needs is one, as for Kafka's Java client
        "o1": [1, 2],
        "o2": [1, 2],
    }
    parked = await connection.fetch(
        "SELECT partition, record_offset, key, value, reason FROM bridge.parked ORDER BY partition"
    )
    assert [tuple(row) for row in parked] == [
        (number, 1, None, b"?", "UNDECODABLE") for number in range(3)
    ]


async def test_a_replay_and_a_check_of_history_name_the_record(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    async with producing(parts, "zstd") as producer:
        await send(producer, parts, 1, [event(parts, "a", 1), FOREIGN, event(parts, "a", 2)])
    selection = Selection(types=(orders.OrderConfirmed.DESCRIPTOR.full_name,))
    async with open_span(parts.kafka, [parts.topic]) as span:

        async def replayed(skip: GivenUp) -> list[int]:
            source = KafkaSource(span, parts.catalog, selection, skip, whole=True)
            at, end, found, more = "", await source.end(connection), list[int](), True
            while more:
                page = await source.page(connection, at, end, 10)
                at, more = page.at, page.more
                found.extend(one.version for one in page.events)
            return found

        with pytest.raises(Undecodable, match=f"record {parts.topic}/1/1: "):
            await replayed(GivenUp())
        assert await replayed(GivenUp(frozenset({(parts.topic, 1, 1)}))) == [1, 2]
    report = await verify(
        parts.dsn, parts.kafka, parts.catalog, SOURCE, seals=seals_topic(parts.topic)
    )
    assert report.records == 3
    assert f"{parts.topic}/1/1" in {
        one.place for one in report.findings if one.kind is Kind.NOT_STORED
    }


async def test_a_batch_that_nothing_here_unpacks_is_told_as_failing_and_read_once_something_does(
    parts: Parts, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    one = consumer(parts, pool, seen)
    async with producing(parts, "zstd") as producer:
        await send(producer, parts, 0, [event(parts, "a", 1)])
    async with running(one.run):
        with monkeypatch.context() as patch:
            patch.setattr("aiokafka.codec.cramjam", None)
            async with producing(parts) as producer:
                await send(producer, parts, 1, [event(parts, "o1", 1)])
            await until(lambda: one.failing, 60)
            assert ("a", 1) not in seen
        await until(lambda: ("a", 1) in seen, 60)
