"""Changes of identities under way: what is about to be changed, written down before it is.

A change is committed before Keycloak is asked, and ends in the transaction that appends its event.
What a crash leaves is therefore always a change, and carrying it out again does no harm.
"""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeAlias

import asyncpg
from google.protobuf.message import Message

from bridge.database import acquire
from bridge.errors import AlreadyExists, Internal, Unavailable, not_found
from bridge.events.event import Origin
from bridge.store.event_store import EventStore
from bridge.store.repeats import Repeats
from services.users import user_table
from services.users.aggregate import User
from services.users.changes import change as change_user
from services.users.identity_change import (
    Beginning,
    Begun,
    Done,
    IdentityChange,
    Kind,
    UnderWay,
    check,
    concerns_keycloak,
    decide,
    decide_alone,
)
from services.users.sql import query
from services.users.under_way import LEASE, SETTLE, earlier, first_step, same_request

Decide: TypeAlias = Callable[[IdentityChange, User], Sequence[Message]]


class IdentityChanges:
    """The steps of a change in our database; each method is one transaction."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        store: EventStore,
        lease: timedelta = LEASE,
        settle: timedelta = SETTLE,
    ) -> None:
        self._pool = pool
        self._store = store
        self._lease = lease
        self._settle = settle

    async def begin(self, change: IdentityChange) -> Beginning | None:
        """Write the change down, or make it at once where Keycloak has no part in it.

        None: what stood in its way has just gone, ask again. NotFound; StaleVersion (etag);
        FailedPrecondition (deactivated, or request_id in use); AlreadyExists (address).
        """
        return await first_step(self._pool, partial(self._begin, change), Begun | Done)

    async def _begin(
        self, change: IdentityChange, connection: asyncpg.Connection
    ) -> Beginning | None:
        if change.kind is Kind.DEACTIVATE or change.email is not None:
            await connection.execute(query("identity_change_lock"), change.user_id)
        # The insert comes first: it waits for a change that is about to finish, so that what is
        # read after it is up to date. So does a deactivation: one that ends in between is seen at
        # the user.
        inserted = await self._insert(connection, change)
        deactivation = await _deactivation(connection, change)
        made = await earlier(connection, change.repeats)
        user = await user_table.find(connection, change.user_id)
        if made is not None:
            await connection.fetchval(query("identity_change_delete"), change.id)
            return Done(await _found(connection, made))
        if user is None:
            raise not_found(f"users/{change.user_id}")
        other = None if inserted else await _other(connection, change)
        if not inserted and (other is None or not other.change.finished):
            return other
        check(change, user)
        if not concerns_keycloak(change, user):
            await connection.fetchval(query("identity_change_delete"), change.id)
            return Done(await self._apply(connection, change, decide_alone))
        other = other or deactivation
        if other is None:
            await _check_free(connection, change)
        return other or Begun()

    async def _insert(self, connection: asyncpg.Connection, change: IdentityChange) -> bool:
        inserted = await connection.fetchval(
            query("identity_change_insert"),
            change.id,
            change.user_id,
            change.kind.value,
            change.display_name,
            change.email,
            change.reason,
            *change.repeats.key,
            change.repeats.body,
            json.dumps(change.origin._asdict()),
            self._lease,
            self._settle,
        )
        return bool(inserted)

    async def _apply(
        self, connection: asyncpg.Connection, change: IdentityChange, decide: Decide
    ) -> User:
        """Append the event, show it, and answer for the request."""
        await change.repeats.claim(connection)
        user = await change_user(
            connection,
            self._store,
            change.user_id,
            lambda user, _claim: decide(change, user),
            change.origin,
        )
        if user is None:
            raise Internal(f"users/{change.user_id} was there a moment ago")
        await change.repeats.settle(connection, f"users/{change.user_id}")
        return user

    async def take(self, change: IdentityChange) -> bool:
        """Lease a change that nobody works on; False: somebody does, or it is gone."""
        async with acquire(self._pool) as connection:
            sql = query("identity_change_take")
            return bool(await connection.fetchval(sql, change.id, self._lease, self._settle))

    async def release(self, change: IdentityChange) -> None:
        """Let the next try go on with it at once."""
        async with acquire(self._pool) as connection:
            await connection.execute(query("identity_change_release"), change.id)

    async def drop(self, change: IdentityChange) -> None:
        """Forget a change that Keycloak surely has not made, or one that is done."""
        async with acquire(self._pool) as connection:
            await connection.fetchval(query("identity_change_delete"), change.id)

    async def close(self, change: IdentityChange) -> None:
        """Be done with a change that was refused, and keep it as `finish` does."""
        async with acquire(self._pool) as connection:
            await connection.execute(query("identity_change_finish"), change.id)

    async def updating(self, user_id: str) -> bool:
        """Whether a process works on an update of the user."""
        async with acquire(self._pool) as connection:
            return bool(await connection.fetchval(query("identity_change_updating"), user_id))

    async def deactivating(self, user_id: str) -> bool:
        """Whether the user is deactivated, or is about to be."""
        async with acquire(self._pool) as connection:
            return bool(await connection.fetchval(query("identity_change_deactivating"), user_id))

    async def finish(self, change: IdentityChange, *, resumed: bool) -> User | None:
        """Make here what Keycloak has made; None: somebody else did.

        `resumed`: a request of an earlier try may still be on its way to Keycloak, and would undo
        a later change; so an update is kept until none can be, and no other one begins.
        """
        kept = resumed and change.kind is Kind.UPDATE
        sql = query("identity_change_finish" if kept else "identity_change_delete")
        async with acquire(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(sql, change.id):
                return None
            try:
                return await self._apply(connection, change, decide)
            except asyncpg.UniqueViolationError:
                # Who had the address has another one in Keycloak already, and not yet here.
                raise Unavailable("The e-mail address is being given up just now.") from None

    async def due(self, limit: int) -> list[IdentityChange]:
        """Lease what was left behind, oldest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(query("identity_changes_due"), self._lease, limit)
            return [_change(row) for row in rows]


async def _found(connection: asyncpg.Connection, name: str) -> User:
    user = await user_table.find(connection, name.removeprefix("users/"))
    if user is None:
        raise Internal(f"{name} was changed by an earlier request and is not there")
    return user


async def _other(connection: asyncpg.Connection, change: IdentityChange) -> UnderWay | None:
    row = await connection.fetchrow(
        query("identity_change_other"), change.user_id, change.kind.value, *change.repeats.key
    )
    if row is None:
        return None
    other = _change(row)
    same_request(change.repeats, other.repeats)  # raises where it asks for something else
    # Disabling is the same for everybody and whatever the reason.
    like = change.kind is Kind.DEACTIVATE or _asks_the_same(change.repeats, other.repeats)
    return UnderWay(other, like, row["leased"], row["settled"])


async def _deactivation(connection: asyncpg.Connection, change: IdentityChange) -> UnderWay | None:
    """The deactivation that stands before an update."""
    if change.kind is Kind.DEACTIVATE:
        return None
    row = await connection.fetchrow(
        query("identity_change_other"), change.user_id, Kind.DEACTIVATE.value, "", "", ""
    )
    return None if row is None else UnderWay(_change(row), False, row["leased"], row["settled"])


def _asks_the_same(one: Repeats, other: Repeats) -> bool:
    return (one.caller, one.body) == (other.caller, other.body)


async def _check_free(connection: asyncpg.Connection, change: IdentityChange) -> None:
    if change.email is not None and await user_table.email_taken(
        connection, change.email, change.user_id
    ):
        raise AlreadyExists("The email is taken.", metadata={"field": "email"})


def _change(row: asyncpg.Record) -> IdentityChange:
    return IdentityChange(
        id=row["id"],
        user_id=row["user_id"],
        kind=Kind(row["kind"]),
        repeats=Repeats(row["caller"], row["method"], row["request_id"], row["body_hash"]),
        origin=Origin(**json.loads(row["origin"])),
        display_name=row["display_name"],
        email=row["email"],
        reason=row["reason"],
        finished=row["finished"],
    )
