"""The relay: carries the outbox of one store to Kafka."""

import asyncio

from bridge.catalog import Catalog
from bridge.kafka.settings import KafkaSettings


class Relay:
    """Run one in each worker; an advisory lock lets one of them work, the others stand by."""

    def __init__(self, dsn: str, kafka: KafkaSettings, catalog: Catalog, source: str) -> None:
        """`dsn` is the service's own database; `source` is "/causeway/orders"."""

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set. Survives the loss of the database and of Kafka."""
