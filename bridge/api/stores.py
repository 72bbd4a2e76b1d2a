"""The services' databases as the bridge's API sees them: asked together, each away by its name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import asyncpg

from bridge.database import acquire, open_pool
from bridge.errors import Unavailable
from bridge.outages import is_away

CONNECTIONS = 4
"""Of one process to one store."""
PATIENCE = 3.0
"""Seconds until a store that gives no connection counts as away."""
STATEMENT = 8.0
"""Seconds that one statement may take; a call may take 10."""
SESSION = {"plan_cache_mode": "force_custom_plan"}
"""A filter that is not asked for must not be in the plan: one made for any values would read the
whole table whatever is asked."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Store:
    """One service's database, schema `bridge`."""

    name: str
    pool: asyncpg.Pool

    @property
    def source(self) -> str:
        """CloudEvents' source of what is stored here."""
        return f"/causeway/{self.name}"

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Borrow a connection; Unavailable names the store where it is or goes away."""
        try:
            async with AsyncExitStack() as held:
                async with asyncio.timeout(PATIENCE):
                    connection = await held.enter_async_context(acquire(self.pool))
                yield connection
        except Exception as error:
            if is_away(error) or isinstance(error, OSError):
                raise _away(self.name) from error
            raise

    async def answers(self) -> None:
        """Probe: whether the database answers."""
        async with self.connection() as connection:
            await connection.fetchval("SELECT 1")  # no query: a question whether anybody is there


Question = Callable[[Store, asyncpg.Connection], Awaitable[Answer]]


class Stores:
    """All stores by name. Holds pools, which `open_stores` closes."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = dict(stores)

    @property
    def all(self) -> Sequence[Store]:
        """Every store, in order of names."""
        return [self._stores[name] for name in sorted(self._stores)]

    def by_name(self, name: str) -> Store:
        """One store; KeyError."""
        return self._stores[name]

    def __contains__(self, name: str) -> bool:
        return name in self._stores

    def of_source(self, source: str) -> Store | None:
        """The store of `/causeway/orders`, or None."""
        return next((store for store in self.all if store.source == source), None)

    def of_group(self, group: str) -> Sequence[Store]:
        """Where a group may be known: `causeway.orders.credit` in one store alone, "" in all."""
        service = group.split(".")[1] if group.count(".") > 1 else ""
        store = self._stores.get(service)
        return self.all if store is None else [store]


async def ask(stores: Sequence[Store], question: Question[Answer]) -> dict[str, Answer]:
    """Ask several stores at once; by name. Unavailable names one that is away."""

    async def one(store: Store) -> Answer:
        async with store.connection() as connection:
            return await question(store, connection)

    answers = await asyncio.gather(*map(one, stores))
    return dict(zip((store.name for store in stores), answers, strict=True))


@asynccontextmanager
async def open_stores(dsns: Mapping[str, str]) -> AsyncIterator[Stores]:
    """Make the pools; none of them connects before it is asked, so that one may be away."""
    async with AsyncExitStack() as opened:
        stores = {}
        for name, dsn in dsns.items():
            pool = await open_pool(
                dsn,
                min_size=0,
                max_size=CONNECTIONS,
                command_timeout=STATEMENT,
                session=SESSION,
            )
            stores[name] = Store(name, await opened.enter_async_context(pool))
        yield Stores(stores)


def _away(name: str) -> Unavailable:
    return Unavailable(
        f"the store {name} does not answer",
        reason="STORE_UNAVAILABLE",
        metadata={"store": name},
    )
