"""Parked events: which are meant, and what is asked of their owners."""

from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from bridge.api import parked_table
from bridge.api.listing import Part, Row, listed
from bridge.api.parked_table import Chosen
from bridge.api.stores import Store, Stores, ask
from bridge.errors import FieldViolation, InvalidArgument
from bridge.server.paging import PageTokens
from causeway.bridge.v1 import operations_service_pb2 as pb

Change = Callable[[asyncpg.Connection, Chosen, str], Awaitable[int]]


class DeadLetters:
    """Lists, redrives and discards over all stores."""

    def __init__(self, stores: Stores, pages: PageTokens) -> None:
        self._stores = stores
        self._pages = pages

    async def page(
        self, request: pb.ListDeadLettersRequest
    ) -> tuple[Sequence[tuple[str, Row]], str]:
        """One page with the names of the stores, the longest parked first; and the next token."""
        meant = chosen_of(request.filter, self._stores)

        async def read(
            store: Store, connection: asyncpg.Connection, after: int | None, limit: int
        ) -> Part:
            return await parked_table.page(connection, meant[store.name], after, limit)

        stores = [store for store in self._stores.all if store.name in meant]
        return await listed(request, self._pages, stores, read, _park_time)

    async def redrive(self, wanted: pb.DeadLetterFilter, actor: str) -> int:
        """Ask for them to be handled again, at once; gives how many."""
        return await self._change(wanted, actor, parked_table.redrive)

    async def discard(self, wanted: pb.DeadLetterFilter, actor: str) -> int:
        """Ask for them to be given up; gives how many."""
        return await self._change(wanted, actor, parked_table.discard)

    async def _change(self, wanted: pb.DeadLetterFilter, actor: str, change: Change) -> int:
        refuse_empty(wanted)
        meant = chosen_of(wanted, self._stores)

        async def question(store: Store, connection: asyncpg.Connection) -> int:
            return await change(connection, meant[store.name], actor)

        stores = [store for store in self._stores.all if store.name in meant]
        return sum((await ask(stores, question)).values())


def refuse_empty(wanted: pb.DeadLetterFilter) -> None:
    """InvalidArgument for a filter that names nothing: it would mean everything."""
    if not wanted.ListFields():
        text = "must name a group, key, type or reason, or dead letters; group alone: all of it"
        raise InvalidArgument(
            f"filter: {text}",
            violations=(FieldViolation("filter", text),),
            reason="EMPTY_FILTER",
        )


def chosen_of(wanted: pb.DeadLetterFilter, stores: Stores) -> dict[str, Chosen]:
    """What to look for in which store. InvalidArgument for a name that can be no dead letter."""
    ids = ids_of(wanted.names, stores)
    return {
        store.name: Chosen(
            wanted.group,
            wanted.key,
            wanted.type,
            wanted.reason,
            ids[store.name] if wanted.names else None,
        )
        for store in stores.of_group(wanted.group)
        if not wanted.names or store.name in ids
    }


def ids_of(names: Sequence[str], stores: Stores) -> dict[str, list[int]]:
    """Read `deadLetters/{store}-{id}`: ids by store."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        store, _, number = name.removeprefix("deadLetters/").rpartition("-")
        if store not in stores or not number.isdigit() or len(number) > 18:
            text = f"{name} is no name of a dead letter"
            raise InvalidArgument(
                text,
                violations=(FieldViolation(f"filter.names[{at}]", text),),
                reason="INVALID_NAME",
            )
        found.setdefault(store, []).append(int(number))
    return found


def _park_time(row: Row) -> float:
    return float(row["park_time"].timestamp())
