"""Writes events into a topic as the relay does, without a store."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

from google.protobuf.message import Message

from bridge.events.catalog import Catalog
from bridge.events.codec import headers
from bridge.events.event import Origin
from bridge.events.wire import wire_prefix
from bridge.kafka.producer import Producer
from bridge.kafka.record import Ack, Headers
from bridge.kafka.settings import KafkaSettings
from causeway.orders.v1 import events_pb2 as orders

SOURCE = "/causeway/orders"


class Writer:
    """One topic's only writer."""

    def __init__(self, producer: Producer, catalog: Catalog, topic: str) -> None:
        self._producer = producer
        self._catalog = catalog
        self._versions = count(1)
        self.topic = topic

    async def write(
        self,
        key: str,
        message: Message | None = None,
        *,
        source: str = SOURCE,
        time: datetime | None = None,
    ) -> str:
        """Write one event about an order; its id, once the brokers have it."""
        event_id, sent = await self._send(key, message, source, time)
        await sent
        return event_id

    async def several(self, key: str, number: int) -> list[str]:
        """Write many events of one key, in order; their ids, once the brokers have them."""
        sent = [await self._send(key, None, SOURCE, None) for _ in range(number)]
        await asyncio.gather(*(future for _, future in sent))
        return [event_id for event_id, _ in sent]

    async def raw(self, key: str, value: bytes, said: Headers) -> Ack:
        """Write a record as it is."""
        return await (await self._producer.send(self.topic, key.encode(), value, said))

    async def _send(
        self, key: str, message: Message | None, source: str, time: datetime | None
    ) -> "tuple[str, asyncio.Future[Ack]]":
        message = message or orders.OrderConfirmed(order_id=key, customer="users/u1")
        kind = self._catalog.type_of(message)
        event_id = str(uuid.uuid4())
        said = headers(
            event_id,
            kind,
            source,
            f"orders/{key}",
            next(self._versions),
            time or datetime.now(UTC),
            1,
            Origin(correlation_id="c-1", causation_id="e-1"),
        )
        value = wire_prefix(7, kind.indexes) + message.SerializeToString()
        return event_id, await self._producer.send(self.topic, key.encode(), value, said)


@asynccontextmanager
async def writing(kafka: KafkaSettings, catalog: Catalog, topic: str) -> AsyncIterator[Writer]:
    """A writer for the length of the block."""
    producer = Producer(kafka)
    await producer.start()
    try:
        yield Writer(producer, catalog, topic)
    finally:
        await producer.close()
