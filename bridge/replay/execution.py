"""Executes the replays of one group, on the connection that holds their lock."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from bridge import logs
from bridge.consumer.inbox import Inbox, runner
from bridge.consumer.registration import topics_of
from bridge.errors import CausewayError, Unavailable
from bridge.events.catalog import Catalog
from bridge.kafka.errors import KafkaError
from bridge.kafka.settings import KafkaSettings
from bridge.kafka.span import committed, open_span
from bridge.middleware.standard import HANDLER_SECONDS
from bridge.middleware.timeout import timeout
from bridge.middleware.trace import trace
from bridge.outages import is_away
from bridge.replay.deliver import Deliver
from bridge.replay.ledger import End, Replay, finish, following, hold
from bridge.replay.rebuild import Rebuild
from bridge.replay.request import Group, Request
from bridge.replay.rules import check
from bridge.replay.shadow import Shadow
from bridge.replay.source import GivenUp, KafkaSource, Source, StoreSource, given_up
from bridge.store.reading import Reader
from bridge.subscription import Subscription

REBUILD = "rebuild"


class Execution:
    """What replays of one subscription are made of. Holds no connection."""

    def __init__(
        self,
        subscription: Subscription,
        catalog: Catalog,
        source: str,
        pool: asyncpg.Pool,
        kafka: KafkaSettings,
    ) -> None:
        self._subscription = subscription
        self._catalog = catalog
        self._reader = Reader(catalog, source)
        self._kafka = kafka
        self._group = Group(
            subscription.group,
            tuple(topics_of(subscription, catalog)),
            tuple(sorted(subscription.types)),
            subscription.tables,
            subscription.effects,
            subscription.live,
            inbox_start_time=None,
        )
        limit = timeout(HANDLER_SECONDS)
        # The span of a handled event belongs to the trace that is stored with it.
        self._inbox = Inbox(subscription, (trace(subscription.group), limit), catalog, pool)
        # A rebuild shows its outcome as a whole: a span an event would bury the traces.
        self._run = runner(subscription, (limit,))

    async def next(self, connection: asyncpg.Connection) -> None:
        """Work on the group's oldest replay. Raises what only interrupts it."""
        replay = await following(connection, self._subscription.group)
        if replay is None:
            return
        if replay.cancel_requested:
            await self._give_up(connection, replay, "cancelled")
            return
        logs.info("replay.begun", replay=replay.id, group=replay.group, mode=replay.mode)
        try:
            await self._execute(connection, replay)
        except (OSError, KafkaError, Unavailable):
            raise
        except CausewayError as error:
            await self._fail(connection, replay, error.message, error)
        except Exception as error:
            if is_away(error):
                raise
            await self._fail(connection, replay, type(error).__name__, error)
        else:
            logs.info("replay.succeeded", replay=replay.id, group=replay.group)

    async def _execute(self, connection: asyncpg.Connection, replay: Replay) -> None:
        check(self._group, _request(replay))
        if replay.mode != REBUILD:
            async with self._source(connection, replay) as source:
                await Deliver(replay, connection, source, self._inbox).run()
            return
        # One in a database: unqualified names of its handlers mean whatever is in the shadow.
        await hold(connection, REBUILD)
        async with self._source(connection, replay) as source:
            shadow = Shadow(connection, self._subscription, replay)
            live_from = await self._live_from()
            await Rebuild(replay, connection, source, shadow, self._run, live_from).run()

    @asynccontextmanager
    async def _source(
        self, connection: asyncpg.Connection, replay: Replay
    ) -> AsyncIterator[Source]:
        """Open what the replay reads from."""
        types = replay.selection.types or self._group.types
        selection = replace(replay.selection, types=types)
        skip = GivenUp() if replay.mode == "redeliver" else await given_up(connection, replay.group)
        whole = replay.mode == REBUILD
        if replay.origin == "store":
            yield StoreSource(self._reader, selection, skip, bounded=not whole)
            return
        async with open_span(self._kafka, self._group.topics) as span:
            yield KafkaSource(span, self._catalog, selection, skip, whole=whole)

    async def _live_from(self) -> Mapping[str, int] | None:
        """Where the live group stands, by "topic/partition"; None: it has no members."""
        if not self._group.live:
            return None
        found = await committed(self._kafka, self._group.name)
        return {f"{one.topic}/{one.partition}": offset for one, offset in found.items()}

    async def _fail(
        self, connection: asyncpg.Connection, replay: Replay, text: str, error: Exception
    ) -> None:
        logs.error("replay.failed", error, replay=replay.id, group=replay.group)
        await self._give_up(connection, replay, "failed", text)

    async def _give_up(
        self, connection: asyncpg.Connection, replay: Replay, end: End, text: str = ""
    ) -> None:
        """End it without success; of a rebuild nothing is left."""
        async with connection.transaction():
            if replay.mode == REBUILD:
                await Shadow(connection, self._subscription, replay).drop()
            await finish(connection, replay, end, text)
        logs.info(f"replay.{end}", replay=replay.id, group=replay.group)


def _request(replay: Replay) -> Request:
    return Request(
        replay.mode, replay.group, replay.origin, replay.selection, tuple(replay.effects)
    )
