"""One event, wherever it is stored."""

import asyncio

from bridge.api import event_table
from bridge.api.ids import is_id
from bridge.api.listing import Row
from bridge.api.stores import Store, Stores
from bridge.errors import Unavailable, not_found


async def find_event(stores: Stores, name: str) -> tuple[Store, Row]:
    """The event `events/{id}` and its store. NotFound; Unavailable where it may be in a store that
    is away."""
    event_id = name.removeprefix("events/")
    if not is_id(event_id):
        raise not_found(name)
    away: list[Unavailable] = []

    async def look(store: Store) -> Row | None:
        try:
            async with store.connection() as connection:
                return await event_table.find(connection, event_id)
        except Unavailable as error:
            away.append(error)
            return None

    found = await asyncio.gather(*map(look, stores.all))
    for store, row in zip(stores.all, found, strict=True):
        if row is not None:
            return store, row
    if away:
        raise away[0]
    raise not_found(name)
