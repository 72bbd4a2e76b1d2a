"""One change of a user: decide on the present state, append, and show the result."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import asyncpg
from google.protobuf.message import Message

from bridge.errors import StaleVersion
from bridge.events.event import Event, Origin
from bridge.store.event_store import EventStore
from services.users import user_table
from services.users.aggregate import Claim, User, claim_of, evolve

MEETINGS = 20
"""How often a change may meet another one; each time the other one has got through."""

Decide: TypeAlias = Callable[[User, Claim | None], Sequence[Message]]


async def change(
    connection: asyncpg.Connection,
    store: EventStore,
    user_id: str,
    decide: Decide,
    origin: Origin,
    order: str = "",
) -> User | None:
    """Change a user inside the caller's transaction; None: there is no such user.

    `decide` gets the user and its claim for `order` (None without an order). Where two changes
    meet, the later one waits for the first, loads again and decides again. StaleVersion after
    MEETINGS times.
    """
    for _ in range(MEETINGS):
        user = await user_table.find(connection, user_id)
        if user is None:
            return None
        claim = await user_table.find_claim(connection, user_id, order) if order else None
        messages = decide(user, claim)
        if not messages:
            return user
        events = await _append(connection, store, user, messages, origin)
        if events:
            return await show(connection, user, events)
    raise StaleVersion(f"users/{user_id} changes too often")


async def _append(
    connection: asyncpg.Connection,
    store: EventStore,
    user: User,
    messages: Sequence[Message],
    origin: Origin,
) -> Sequence[Event]:
    """The recorded events; none where another change was first."""
    try:
        async with connection.transaction():  # a savepoint: the meeting costs this append alone
            return await store.append(
                connection, f"users/{user.id}", user.version, messages, origin
            )
    except StaleVersion:
        return []


async def show(
    connection: asyncpg.Connection, user: User | None, events: Sequence[Event]
) -> User | None:
    """Fold recorded events into the read model."""
    for event in events:
        user = evolve(user, event.message, event.time)
    if user is not None:
        await user_table.save(connection, user)
        for answered in filter(None, (claim_of(event.message) for event in events)):
            await user_table.save_claim(connection, user.id, *answered)
    return user
