"""The request_ids of offered events (AIP-155), beside the ids of the events themselves.

A request_id names the request, source and id name the event: each is held to its own. So a repeat
of either kind finds the same event, and a request_id that comes with another event is refused, also
where that event's own id would do.
"""

from collections.abc import Sequence

import asyncpg

from bridge.store import requests
from bridge.store.offer import Offer
from bridge.store.repeats import Repeats


async def claim(connection: asyncpg.Connection, offers: Sequence[Offer]) -> None:
    """Claim the request_ids of stored events in their transaction; FailedPrecondition: one was
    used for another request."""
    first: dict[str, Repeats] = {}
    rest: list[tuple[str, Repeats]] = []
    keys = set()
    for offer in offers:
        if offer.repeats is None:
            continue
        if offer.resource in first or offer.repeats.key in keys:
            rest.append((offer.resource, offer.repeats))
        else:
            first[offer.resource] = offer.repeats
        keys.add(offer.repeats.key)
    if first:
        await _claim_all(connection, first)
    for resource, repeats in rest:
        if await repeats.claim(connection) is None:
            await repeats.settle(connection, resource)


async def _claim_all(connection: asyncpg.Connection, wanted: dict[str, Repeats]) -> None:
    free = await requests.claim_all(
        connection, [(*one.key, one.body, resource) for resource, one in wanted.items()]
    )
    for resource, repeats in wanted.items():
        if resource not in free:
            await repeats.earlier(connection)
