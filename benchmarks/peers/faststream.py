"""FastStream's Kafka broker with a bare handler: no inbox, no transaction, automatic commits."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from faststream.kafka import KafkaBroker
from faststream.security import SASLPlaintext

from bridge.kafka.settings import KafkaSettings


@asynccontextmanager
async def consuming(
    kafka: KafkaSettings, topic: str, group: str, handler: Callable[[bytes], Awaitable[None]]
) -> AsyncIterator[None]:
    """Consume a topic from its beginning for the block, each record's value to `handler`."""
    broker = KafkaBroker(
        kafka.bootstrap.split(","),
        security=SASLPlaintext(kafka.username, kafka.password, use_ssl=False),
        logger=None,
    )
    broker.subscriber(topic, group_id=group, auto_offset_reset="earliest")(handler)
    await broker.start()
    try:
        yield
    finally:
        await broker.stop()
