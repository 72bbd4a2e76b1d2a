"""Registrations under way: what is about to be made, written down before it is made.

An intent is committed before Keycloak is asked, and goes away in the transaction that makes the
user. What a crash leaves is therefore always an intent, and its Keycloak user carries its id.
No password is in here, nor anything made from one.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeAlias

import asyncpg

from bridge.database import acquire
from bridge.errors import Unavailable
from bridge.events.event import Origin
from bridge.store.event_store import EventStore
from bridge.store.repeats import Repeats
from services.users import aggregate, user_table
from services.users.changes import show
from services.users.sql import query
from services.users.under_way import LEASE, SETTLE, earlier, first_step, same_request

METHOD = "/causeway.users.v1.UserService/RegisterUser"


@dataclass(frozen=True, slots=True)
class Intent:
    """A registration: who shall be made, and for which request."""

    id: str
    username: str
    display_name: str
    email: str
    repeats: Repeats
    origin: Origin
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """The intent is written: go on."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The same request was carried out before, and made `user_id`."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A user has this `field` already."""

    field: str


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Another intent has the name, the address or the request.

    `same`: it is the same request; `leased`: a process works on it; `settled`: what it asked of
    Keycloak has come to an end.
    """

    intent: Intent
    same: bool
    leased: bool
    settled: bool


Beginning: TypeAlias = Begun | Registered | Taken | UnderWay


class Intents:
    """The steps of a registration in our database; each method is one transaction."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        store: EventStore,
        credit_limit: int,
        lease: timedelta = LEASE,
        settle: timedelta = SETTLE,
    ) -> None:
        """`credit_limit` of new users in nanos of EUR."""
        self._pool = pool
        self._store = store
        self._credit_limit = credit_limit
        self._lease = lease
        self._settle = settle

    async def begin(self, intent: Intent) -> Beginning | None:
        """Write the intent, or say what stands in its way. None: that has just gone, ask again.

        FailedPrecondition if its request_id was used for another request.
        """
        return await first_step(self._pool, partial(self._begin, intent), Begun)

    async def _begin(self, intent: Intent, connection: asyncpg.Connection) -> Beginning | None:
        # The insert comes first: it waits for a registration that is about to finish, so that
        # what is read after it is up to date.
        inserted = await self._insert(connection, intent)
        field = await user_table.taken(connection, intent.username, intent.email)
        # Asked second: this very request may be finished between the two questions, and whoever
        # sees its user sees that it made it.
        made = await earlier(connection, intent.repeats)
        if made is not None:
            return Registered(made.removeprefix("users/"))
        if field is not None:
            return Taken(field)
        return Begun() if inserted else await _other(connection, intent)

    async def _insert(self, connection: asyncpg.Connection, intent: Intent) -> bool:
        inserted = await connection.fetchval(
            query("intent_insert"),
            intent.id,
            intent.username,
            intent.display_name,
            intent.email,
            *_request(intent),
            intent.repeats.body,
            json.dumps(intent.origin._asdict()),
            self._lease,
            self._settle,
        )
        return bool(inserted)

    async def take(self, intent: Intent) -> bool:
        """Lease an intent that nobody works on; False: somebody does, or it is gone."""
        async with acquire(self._pool) as connection:
            sql = query("intent_take")
            return bool(await connection.fetchval(sql, intent.id, self._lease, self._settle))

    async def release(self, intent: Intent) -> None:
        """Let the next try of the same request go on with it at once."""
        async with acquire(self._pool) as connection:
            await connection.execute(query("intent_release"), intent.id)

    async def drop(self, intent: Intent) -> None:
        """Forget an intent that has surely no Keycloak user, now or later."""
        async with acquire(self._pool) as connection:
            await connection.fetchval(query("intent_delete"), intent.id, intent.abandoned)

    async def abandon(self, intent: Intent) -> None:
        """Give up an intent that has no Keycloak user now: its name is free, and it will be looked
        at once more, in case a late request made one."""
        async with acquire(self._pool) as connection:
            await connection.execute(query("intent_abandon"), intent.id, self._settle)

    async def finish(self, intent: Intent, user_id: str) -> None:
        """Make the user, whom Keycloak knows as `user_id`, and end the intent.

        Unavailable if the intent was given up meanwhile: what it made in Keycloak will be deleted.
        """
        async with acquire(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(query("intent_delete"), intent.id, False):
                await _check_finished(connection, user_id)
                return
            registered = aggregate.register(
                user_id, intent.username, intent.display_name, intent.email, self._credit_limit
            )
            name = f"users/{user_id}"
            await intent.repeats.claim(connection)
            await intent.repeats.settle(connection, name)
            events = await self._store.append(connection, name, 0, registered, intent.origin)
            await show(connection, None, events)

    async def due(self, limit: int) -> list[Intent]:
        """Lease what was left behind, oldest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(query("intents_due"), self._lease, limit)
            return [_intent(row) for row in rows]


def _request(intent: Intent) -> tuple[str, str]:
    """The key of its request; the method is always `METHOD`."""
    caller, _, request_id = intent.repeats.key
    return caller, request_id


async def _other(connection: asyncpg.Connection, intent: Intent) -> UnderWay | None:
    row = await connection.fetchrow(
        query("intent_other"), intent.username, intent.email, *_request(intent)
    )
    if row is None:
        return None
    other = _intent(row)
    same = same_request(intent.repeats, other.repeats)
    return UnderWay(other, same, row["leased"], row["settled"])


async def _check_finished(connection: asyncpg.Connection, user_id: str) -> None:
    if await user_table.find(connection, user_id) is None:
        raise Unavailable("The registration took too long and was given up.", retry_after=1.0)


def _intent(row: asyncpg.Record) -> Intent:
    return Intent(
        id=row["id"],
        username=row["username"],
        display_name=row["display_name"],
        email=row["email"],
        repeats=Repeats(row["caller"], METHOD, row["request_id"], row["body_hash"]),
        origin=Origin(**json.loads(row["origin"])),
        abandoned=row["abandoned"],
    )
