"""The consumer: carries events from Kafka into handlers, once in effect and in order per key."""

import asyncio
from collections.abc import Mapping, Sequence

import asyncpg
from google.protobuf.message import Message

from bridge.catalog import Catalog
from bridge.handling import Handler, Handling, Middleware
from bridge.kafka.settings import KafkaSettings

__all__ = ["Consumer", "Handler", "Handling", "Middleware"]


class Consumer:
    """One consumer group's member: `group` is "causeway.<service>.<handler>".

    `handlers` maps message types to async functions; topics follow from it. Types of a topic
    without a handler are passed over.
    """

    def __init__(
        self,
        *,
        group: str,
        handlers: Mapping[type[Message], Handler],
        catalog: Catalog,
        pool: asyncpg.Pool,
        kafka: KafkaSettings,
        middlewares: Sequence[Middleware] = (),
    ) -> None:
        """`catalog` must know the handlers' types; `pool` should hold a connection per lane."""

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then drain and leave the group."""
