"""The bridge as a library: a service of one's own, wherever its code lives.

    async with open_service("/payments", payments_pb2, [receipts]) as service:
        await service.append(PaymentTaken(...), expected_version=0)
        await service.work()

What must be there before (a database, its tables, topics, access rules, schemas) is made by
`causeway adopt` on the local platform, and by a deployment elsewhere: see docs/library.md.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import ModuleType

import asyncpg
from google.protobuf.message import Message
from pydantic import ValidationError

from bridge.database import acquire, open_pool
from bridge.errors import FailedPrecondition, InvalidArgument
from bridge.events.catalog import Catalog
from bridge.events.event import Event, Origin
from bridge.events.upcasting import NO_UPCASTERS, Upcasters
from bridge.registry.schemas import schema_ids
from bridge.server.background import Tasks
from bridge.settings import BridgeSettings
from bridge.store.append_group import Then
from bridge.store.event_store import EventStore
from bridge.store.group_commit import GroupCommit
from bridge.store.snapshots import Shape, Snapshots, State
from bridge.subscription import Subscription
from bridge.waiting import wait_any
from bridge.worker import Work, compose

CONNECTIONS = 20
GRACE_SECONDS = 10.0


class Service:
    """One service's store and background work; made by `open_service`."""

    def __init__(self, store: EventStore, catalog: Catalog, work: Work) -> None:
        self._store = store
        self._catalog = catalog
        self._work = work
        self._group = GroupCommit(work.pool, store)

    @property
    def pool(self) -> asyncpg.Pool:
        """The service's own database, for its tables and for transactions around appends."""
        return self._work.pool

    async def append(
        self,
        *messages: Message,
        expected_version: int,
        origin: Origin = Origin(),  # noqa: B008  (frozen)
        connection: asyncpg.Connection | None = None,
        then: Then | None = None,
    ) -> list[Event]:
        """Append to the stream that the messages' key names; it must stand at `expected_version`.

        0 begins a stream. On `connection`, inside the caller's transaction. Without one, in one
        commit with whatever else is appended at the moment, together with what `then` writes: to
        the database alone, because it may be called again. Raises StaleVersion if the stream
        stands elsewhere; Unavailable (OUTCOME_UNKNOWN) if the connection was lost at the commit.
        """
        if not messages:
            raise InvalidArgument("there is nothing to append")
        if connection is not None and then is not None:
            raise InvalidArgument("`then` is for an append without a connection: write on yours")
        stream = self._catalog.type_of(messages[0]).stream_of(messages[0])
        if connection is not None:
            return await self._store.append(connection, stream, expected_version, messages, origin)
        return await self._group.append(stream, expected_version, messages, origin, then)

    async def load(self, stream: str, after_version: int = 0) -> list[Event]:
        """Read a stream ("payments/p1") in order; empty if there is none."""
        async with acquire(self.pool) as connection:
            return await self._store.load(connection, stream, after_version)

    def snapshots(self, shape: Shape[State]) -> Snapshots[State]:
        """Give what loads aggregates of this shape, and keeps a fold of long streams."""
        return Snapshots(self._store, shape)

    async def work(self, stop: asyncio.Event | None = None) -> None:
        """Relay and consume until `stop` is set; without one, until SIGTERM or SIGINT.

        Any number of processes may: relays elect one, consumers share the partitions. Raises what
        a part failed with; an outage of Kafka or the database ends nothing.
        """
        stop = stop or _signalled()
        worker, tasks = await compose(self._work), Tasks()
        tasks.start(worker.background)
        try:
            await wait_any(None, stop, tasks.failed)
        finally:
            await tasks.finish(GRACE_SECONDS)
        if tasks.error is not None:
            raise tasks.error


@asynccontextmanager
async def open_service(
    source: str,
    events: ModuleType,
    subscriptions: Sequence[Subscription] = (),
    settings: BridgeSettings | None = None,
    upcasters: Upcasters = NO_UPCASTERS,
) -> AsyncIterator[Service]:
    """Open a service for the block: connect, and look its schemas up.

    `source` is what its events say they come from, "/payments"; `events` the generated module
    with its own events. `settings` are read from `CAUSEWAY_*` if not given. Raises
    FailedPrecondition for a schema that is not registered, Unavailable without a registry.
    """
    settings = settings or _from_environment()
    own = Catalog.of(events, upcasters=upcasters)
    store = EventStore(own, await schema_ids(settings.registry, own), source)
    async with await open_pool(settings.dsn, max_size=CONNECTIONS) as pool:
        work = Work(
            source=source,
            dsn=settings.dsn,
            pool=pool,
            kafka=settings.brokers(source.strip("/").replace("/", "-")),
            catalog=Catalog.of(events, *_handled(subscriptions), upcasters=upcasters),
            subscriptions=subscriptions,
        )
        yield Service(store, own, work)


def _from_environment() -> BridgeSettings:
    """Read the settings; FailedPrecondition names those that are not set."""
    try:
        return BridgeSettings.model_validate({})
    except ValidationError as error:
        names = ", ".join(f"CAUSEWAY_{str(one['loc'][0]).upper()}" for one in error.errors())
        raise FailedPrecondition(
            f"{names}: not set, or not what it should be; `causeway adopt` prints a "
            "service's settings on the local platform",
            reason="SETTINGS_MISSING",
        ) from None


def _handled(subscriptions: Sequence[Subscription]) -> list[ModuleType]:
    """List the generated modules whose messages are handled."""
    names = {message.__module__ for one in subscriptions for message in one.handlers}
    return [sys.modules[name] for name in sorted(names)]


def _signalled() -> asyncio.Event:
    """Return the event that SIGTERM and SIGINT set from now on."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told
