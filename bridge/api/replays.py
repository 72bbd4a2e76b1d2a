"""Replays: asked for here, executed by the worker that owns the group."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from uuid import UUID, uuid5

import asyncpg
import uuid_utils

from bridge.api import replay_table
from bridge.api.ids import is_id
from bridge.api.listing import Part, Row, listed
from bridge.api.once import repeats_of
from bridge.api.replay_resource import (
    planned_message,
    replay_message,
    request_of,
    values_of,
)
from bridge.api.stores import Store, Stores, ask
from bridge.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    Unavailable,
    not_found,
)
from bridge.replay.plan import KAFKA, Plan, count, plan
from bridge.server.paging import PageTokens
from causeway.bridge.v1 import operations_service_pb2 as pb

NAMESPACE = UUID("0b9a3b64-5f0c-4f0e-8d0b-5b6f3c0f3f5a")
"""Of the ids that follow from a request_id."""
COUNT_SECONDS = 7.0
"""For the count that was asked for: below the limit of a statement, and of a call."""
GLANCE_SECONDS = 1.0
"""For the count that a start shows if it is to be had: a large store takes minutes to count."""
UNKNOWN = 0


class Replays:
    """Starts, shows and cancels over all stores."""

    def __init__(self, stores: Stores, pages: PageTokens) -> None:
        self._stores = stores
        self._pages = pages

    async def count(self, replay: pb.Replay) -> pb.Replay:
        """What `start` would do; writes nothing, and refuses what it would refuse.

        DeadlineExceeded: it may be started, but there is too much to be counted in a call.
        """
        owner, planned = await self._plan(replay)
        try:
            total = await self._total(owner, planned, COUNT_SECONDS)
        except TimeoutError:
            raise DeadlineExceeded(
                f"the replay can be started, but to count its events takes more than "
                f"{COUNT_SECONDS:.0f} s: ask for fewer, or start it without a dry run",
                reason="COUNT_TOO_LONG",
            ) from None
        return planned_message(planned.request, total)

    async def start(self, request: pb.ReplayEventsRequest, actor: str) -> str:
        """Write it down for the worker that owns the group; gives its name.

        InvalidArgument and FailedPrecondition as `bridge.replay.plan` has them. Needs the owner's
        store alone; the total is unknown where others are away or there is much to count.
        """
        owner, planned = await self._plan(request.replay)
        try:
            total = await self._total(owner, planned, GLANCE_SECONDS)
        except (TimeoutError, Unavailable):
            total = UNKNOWN
        replay_id = replay_id_of(request)
        async with owner.connection() as connection:
            values = values_of(replay_id, planned.request, total, actor)
            await replay_table.start(connection, values)
        return f"replays/{replay_id}"

    async def _plan(self, replay: pb.Replay) -> tuple[Store, Plan]:
        """The owner and the checked request."""
        wanted = request_of(replay)
        owner = await self._owner(replay.group)
        async with owner.connection() as connection:
            return owner, await plan(connection, wanted)

    async def _total(self, owner: Store, planned: Plan, seconds: float) -> int:
        """How many events it is about. TimeoutError; Unavailable names a store that is away."""

        async def events(_store: Store, connection: asyncpg.Connection) -> int:
            return sum((await count(connection, planned)).values())

        # What is on Kafka stands in the stores of those who wrote it.
        stores = self._stores.all if planned.request.origin == KAFKA else [owner]
        async with asyncio.timeout(seconds):
            return sum((await ask(stores, events)).values())

    async def _owner(self, group: str) -> Store:
        """The store of the worker that has the group. InvalidArgument names those that are."""

        async def known(_store: Store, connection: asyncpg.Connection) -> Sequence[str]:
            return await replay_table.groups(connection)

        stores = self._stores.of_group(group)
        found = await ask(stores, known)
        for store in stores:
            if group in found[store.name]:
                return store
        names = ", ".join(sorted(chain.from_iterable(found.values()))) or "none"
        text = f"no worker has a group {group}; there are: {names}"
        raise InvalidArgument(
            text, violations=(FieldViolation("replay.group", text),), reason="UNKNOWN_GROUP"
        )

    async def get(self, name: str) -> pb.Replay:
        """The replay as it stands; NotFound."""
        _, row = await self._find(name)
        return replay_message(row)

    async def page(self, request: pb.ListReplaysRequest) -> tuple[list[pb.Replay], str]:
        """One page, newest first, and the next token."""

        async def read(
            _store: Store, connection: asyncpg.Connection, before: int | None, limit: int
        ) -> Part:
            return await replay_table.page(connection, before, limit)

        rows, token = await listed(request, self._pages, self._stores.all, read, _newest_first)
        return [replay_message(row) for _, row in rows], token

    async def cancel(self, name: str) -> None:
        """Ask its worker to stop. FailedPrecondition: it has ended otherwise."""
        store, row = await self._find(name)
        async with store.connection() as connection:
            asked = await replay_table.cancel(connection, row["id"])
        if not asked and (await self.get(name)).state != pb.Replay.STATE_CANCELLED:
            raise FailedPrecondition(
                f"{name} has ended", reason="REPLAY_ENDED", metadata={"resource": name}
            )

    async def _find(self, name: str) -> tuple[Store, Row]:
        replay_id = name.removeprefix("replays/")
        if not is_id(replay_id):
            raise not_found(name)

        async def look(_store: Store, connection: asyncpg.Connection) -> Row | None:
            return await replay_table.get(connection, replay_id)

        found = await ask(self._stores.all, look)
        for store in self._stores.all:
            row = found[store.name]
            if row is not None:
                return store, row
        raise not_found(name)


def replay_id_of(request: pb.ReplayEventsRequest) -> str:
    """An id that follows from caller and request_id: a repeat after a crash meets its own row."""
    if not request.request_id:
        return str(uuid_utils.uuid7())
    said = repeats_of(request)
    parts = (said.caller, said.method, said.request_id.lower(), said.body.hex())
    return str(uuid5(NAMESPACE, "\0".join(parts)))


def _newest_first(row: Row) -> float:
    return -float(row["create_time"].timestamp())
