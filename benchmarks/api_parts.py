"""What the API is measured with: real parts, an issuer of tokens, whole services, bare ones."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

import services.orders
from benchmarks.api_backend import DATABASE, DEACTIVATED, KAFKA, TOPIC
from benchmarks.edge_parts import EdgeBench, Place
from benchmarks.edge_parts import running as edge_running
from benchmarks.harness import Say
from benchmarks.parts import Bench, Database
from benchmarks.parts import running as parts_running
from services.orders.sql import query

WHOLE, BARE = "benchmarks.api_backend", "benchmarks.peers.handlers"
ORDERS_TABLES = Path(services.orders.__file__).with_name("migrations")
NOBODY = "bench.nobody"
"""A topic that is not there: nobody relays to it."""
PRICES = {"book": 12_500_000_000, "lamp": 40_000_000_000, "desk": 250_000_000_000}
"""In nanos of EUR, as the local platform starts."""


@dataclass(frozen=True, slots=True)
class ApiBench:
    """What a measurement is given."""

    parts: Bench
    edge: EdgeBench

    @property
    def say(self) -> Say:
        """Where progress goes."""
        return self.parts.say

    @property
    def rounds(self) -> int:
        """How often each side is measured."""
        return self.edge.rounds

    @asynccontextmanager
    async def orders(self, topic: str = NOBODY) -> AsyncIterator[tuple[Place, Database]]:
        """Run Orders, with its price list."""
        async with self.parts.database(tables=ORDERS_TABLES) as database, self._log() as log:
            await _list_prices(database)
            settings = {DATABASE: database.dsn, TOPIC: topic, **log}
            with self.edge.program(WHOLE, "orders", **settings) as place:
                yield place, database

    @asynccontextmanager
    async def events(self, topic: str = NOBODY) -> AsyncIterator[Place]:
        """Run the bridge's EventService: it stores for the topic, and reads it."""
        async with self.parts.database() as database, self._log() as log:
            settings = {DATABASE: database.dsn, TOPIC: topic, **log}
            with self.edge.program(WHOLE, "events", **settings) as place:
                yield place

    @asynccontextmanager
    async def _log(self) -> AsyncIterator[dict[str, str]]:
        """Access to the brokers, with a topic of its own for who is deactivated."""
        kafka = self.parts.kafka
        access = f"{kafka.bootstrap} {kafka.username} {kafka.password}"
        async with self.parts.topic() as deactivated:
            yield {KAFKA: access, DEACTIVATED: deactivated}

    @asynccontextmanager
    async def inserting(self) -> AsyncIterator[Place]:
        """Run the bare handler that inserts a row."""
        async with self.parts.database() as database:
            with self.edge.program(BARE, "insert", **{DATABASE: database.dsn}) as place:
                yield place

    def answering(self) -> AbstractContextManager[Place]:
        """Run the bare handlers that take events and keep none."""
        return self.edge.program(BARE, "answer")


async def _list_prices(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn)
    for sku, nanos in PRICES.items():
        await connection.execute(query("product_save"), sku, sku, "EUR", nanos, 1)
    await connection.close()


@contextmanager
def running(seconds: float, rounds: int, say: Callable[[str], None]) -> Iterator[ApiBench]:
    """Find or start the parts, and run an issuer, for the block."""
    with parts_running(say) as parts, edge_running(seconds, rounds, say) as edge:
        yield ApiBench(parts, edge)
