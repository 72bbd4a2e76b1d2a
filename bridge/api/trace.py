"""Tells what became of an event, over all stores."""

from collections.abc import Mapping, Sequence
from itertools import chain

import asyncpg

from bridge.api import event_table
from bridge.api.listing import Row
from bridge.api.lookup import find_event
from bridge.api.outcomes import tell
from bridge.api.stores import Store, Stores, ask
from bridge.api.trace_tree import BOUNDS, tree
from bridge.events.resource import event_message
from bridge.timestamps import timestamp
from causeway.bridge.v1 import event_service_pb2 as pb

FAMILY = 5000
"""Events of one correlation that are looked through for what an event caused, a store."""


async def trace(stores: Stores, name: str) -> pb.TraceEventResponse:
    """The trace of `events/{id}`. NotFound; Unavailable if any store is away: its consumers' part
    of the answer would be missing."""
    store, root = await find_event(stores, name)

    async def related(_store: Store, connection: asyncpg.Connection) -> Sequence[Row]:
        return await event_table.family(connection, root["correlation_id"], FAMILY)

    families = await ask(stores.all, related)
    rows = [
        {**row, "source": f"/causeway/{name}", "data": b""}
        for name, found in families.items()
        for row in found
    ]
    begin = {**root, "source": store.source, "size": len(root["data"])}
    top, nodes = tree(begin, rows, node_message)
    if any(len(found) == FAMILY for found in families.values()):
        top.truncated = True
    await _fill(stores, nodes)
    await _tell(stores, nodes)
    return top


def node_message(row: Row) -> pb.TraceEventResponse:
    """An event, who began it and where it went; its data, where that was read."""
    return pb.TraceEventResponse(
        event=event_message(row["source"], row),
        actor=row["actor"],
        client=row["client"],
        method=row["method"],
        request_id=row["request_id"],
        traceparent=row["traceparent"],
        publish_time=timestamp(row["publish_time"]),
    )


async def _fill(stores: Stores, nodes: Mapping[str, pb.TraceEventResponse]) -> None:
    """Give the events their data, now that a few of the family are chosen."""
    missing = [event_id for event_id, node in nodes.items() if not node.event.data.value]

    async def data(_store: Store, connection: asyncpg.Connection) -> Sequence[Row]:
        return await event_table.contents(connection, missing, BOUNDS.data)

    for row in chain.from_iterable((await ask(stores.all, data)).values()):
        nodes[row["event_id"]].event.data.value = row["data"]


async def _tell(stores: Stores, nodes: Mapping[str, pb.TraceEventResponse]) -> None:
    ids = list(nodes)
    types = sorted({node.event.type for node in nodes.values()})

    async def became(
        _store: Store, connection: asyncpg.Connection
    ) -> tuple[Sequence[Row], Sequence[Row], Sequence[Row]]:
        return (
            await event_table.outcomes(connection, ids),
            await event_table.consumers(connection, types),
            await event_table.deliveries(connection, ids),
        )

    answers = (await ask(stores.all, became)).values()
    outcomes, consumers, deliveries = zip(*answers, strict=True)
    flat = chain.from_iterable
    tell(nodes, flat(outcomes), list(flat(consumers)), flat(deliveries))
