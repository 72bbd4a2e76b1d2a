"""The request_ids of offered events (AIP-155), beside the ids of the events themselves.

A request_id names the request, source and id name the event: each is held to its own. So a repeat
of either kind finds the same event, and a request_id that comes with another event is refused as
such, whatever that event's own id would say.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from bridge.errors import CausewayError
from bridge.store import requests
from bridge.store.offer import Offer, Outcome
from bridge.store.repeats import Repeats


async def settled(
    connection: asyncpg.Connection, offers: Sequence[Offer], outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """Claim the request_ids of stored events in their transaction, and give the outcomes.

    Raises FailedPrecondition where one was used for another request but its event is new: then
    nothing of the transaction may stay.
    """
    told = list(outcomes)
    await _claim(connection, [*zip(offers, outcomes, strict=True)])
    for place, (offer, outcome) in enumerate(zip(offers, outcomes, strict=True)):
        if offer.repeats is not None and isinstance(outcome, CausewayError):
            repeats = offer.repeats
            told[place] = await requests.other(connection, *repeats.key, repeats.body) or outcome
    return told


async def _claim(connection: asyncpg.Connection, judged: Sequence[tuple[Offer, Outcome]]) -> None:
    first: dict[str, Repeats] = {}
    rest: list[tuple[str, Repeats]] = []
    keys = set()
    for offer, outcome in judged:
        if offer.repeats is None or isinstance(outcome, CausewayError):
            continue
        if offer.resource in first or offer.repeats.key in keys:
            rest.append((offer.resource, offer.repeats))
        else:
            first[offer.resource] = offer.repeats
        keys.add(offer.repeats.key)
    await _claim_together(connection, first)
    for resource, repeats in rest:
        if await repeats.claim(connection) is None:
            await repeats.settle(connection, resource)


async def _claim_together(connection: asyncpg.Connection, wanted: Mapping[str, Repeats]) -> None:
    """With one statement: its answer names resources, so no two claims are for the same."""
    if not wanted:
        return
    free = await requests.claim_all(
        connection, [(*one.key, one.body, resource) for resource, one in wanted.items()]
    )
    for resource, repeats in wanted.items():
        if resource not in free:
            await repeats.earlier(connection)
