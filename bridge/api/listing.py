"""One list out of several stores: each is read in its own order, the heads are merged.

A page token holds a place for each store, so a list goes on where it was, whatever the size of its
pages, and however many rows came meanwhile.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg
from google.protobuf.message import Message

from bridge.api.stores import Store, ask
from bridge.server.paging import Cursor, PageTokens, page_size

PAGE_BYTES = 2_000_000
"""Of data in one page; an answer may have 4 MiB, and JSON is wordier than protobuf."""

Row: TypeAlias = Mapping[str, Any]
"""Columns by name; `place` is where the row stands in its store's order."""


@dataclass(frozen=True, slots=True)
class Part:
    """The next rows of one store; `more`: there may be others after them."""

    rows: Sequence[Row]
    more: bool


def part_of(rows: Sequence[Row], limit: int) -> Part:
    """A page as a query gave it: `found` is how many there were before its limit of bytes."""
    return Part(rows, more=bool(rows) and (rows[0]["found"] > len(rows) or len(rows) == limit))


@dataclass(frozen=True, slots=True)
class Merged:
    """Rows with the name of their store, and the last place taken from each store."""

    rows: list[tuple[str, Row]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    more: bool = False


Read = Callable[[Store, asyncpg.Connection, int | None, int], Awaitable[Part]]
"""Reads at most so many rows of a store after a place (None: the first)."""

Order = Callable[[Row], float]
"""By what the rows of several stores are ordered; within a store their own order holds."""


async def listed(
    request: Message, pages: PageTokens, stores: Sequence[Store], read: Read, order: Order
) -> tuple[list[tuple[str, Row]], str]:
    """One page, as `request` asks for it, and the token of the next one ("": it was the last).

    Unavailable names a store that is away: a list without it would be no list.
    """
    size = page_size(request)
    places = places_of(pages.open(request))

    async def question(store: Store, connection: asyncpg.Connection) -> Part:
        return await read(store, connection, places.get(store.name), size + 1)

    merged = merge(await ask(stores, question), order, size)
    if not merged.more:
        return merged.rows, ""
    return merged.rows, pages.seal(request, cursor_of(places | merged.places))


def merge(parts: Mapping[str, Part], order: Order, size: int) -> Merged:
    """Take up to `size` rows, always the first of the heads; by name where they are equal.

    A store that has given all its rows but has more ends the page: its next head is not known.
    """
    merged = Merged()
    at = dict.fromkeys(sorted(parts), 0)
    while len(merged.rows) < size:
        spent = [name for name in at if at[name] == len(parts[name].rows)]
        if any(parts[name].more for name in spent):
            break
        heads = [name for name in at if name not in spent]
        if not heads:
            break
        name = min(heads, key=lambda name: order(parts[name].rows[at[name]]))
        row = parts[name].rows[at[name]]
        merged.rows.append((name, row))
        merged.places[name] = row["place"]
        at[name] += 1
    left = any(at[name] < len(part.rows) or part.more for name, part in parts.items())
    return Merged(merged.rows, merged.places, left)


def cursor_of(places: Mapping[str, int]) -> list[str | int]:
    """Write places as a page token holds them: name, place, name, place, …"""
    return [part for name in sorted(places) for part in (name, places[name])]


def places_of(cursor: Cursor | None) -> dict[str, int]:
    """Read them back; none for the first page."""
    if cursor is None:
        return {}
    return {str(name): int(place) for name, place in zip(cursor[::2], cursor[1::2], strict=True)}
