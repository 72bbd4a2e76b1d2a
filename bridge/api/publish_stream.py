"""One stream of events from outside: read ahead within bounds, stored in order, acknowledged."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from copy import copy

from bridge.api.inflow import Inflow
from bridge.api.publishable import invalid
from bridge.errors import CausewayError
from bridge.store.offer import Offer, Outcome
from causeway.bridge.v1 import event_service_pb2 as pb

OfferOf = Callable[[pb.PublishEventsRequest], Offer]
Put = Callable[[Sequence[Offer]], Awaitable[Sequence[Outcome]]]


async def stored(
    requests: AsyncIterator[pb.PublishEventsRequest], offer_of: OfferOf, put: Put
) -> AsyncGenerator[int, None]:
    """Yield, after each commit, the sequence up to which every event is stored.

    What is wrong with an event ends the stream, with its sequence named, once everything before it
    is stored and acknowledged.
    """
    inflow = Inflow()
    reader = asyncio.create_task(_read(requests, offer_of, inflow))
    try:
        while batch := await inflow.take():
            outcomes = await put([offer for _, offer in batch])
            up_to, error = 0, None
            for (sequence, _), outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, CausewayError):
                    error = at(sequence, outcome)
                    break
                up_to = sequence
            if up_to:
                yield up_to
            if error is not None:
                raise error
        if inflow.error is not None:
            raise inflow.error
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _read(
    requests: AsyncIterator[pb.PublishEventsRequest], offer_of: OfferOf, inflow: Inflow
) -> None:
    """Check event by event, and pause while enough of them wait."""
    last = 0
    try:
        async for request in requests:
            try:
                offer = _next_offer(request, last, offer_of)
            except CausewayError as error:
                raise at(request.sequence, error) from None
            last = request.sequence
            await inflow.put(last, offer)
    except CausewayError as error:
        # What the kit could not even read has no sequence of its own.
        inflow.close(error if "sequence" in error.metadata else _after(last, error))
    except Exception as error:
        inflow.close(error)
    else:
        inflow.close()


def _next_offer(request: pb.PublishEventsRequest, last: int, offer_of: OfferOf) -> Offer:
    if request.sequence <= last:
        raise invalid("sequence", f"must be larger than the one before it, {last}")
    if not request.event.name:
        # Whoever comes back after a break sends again what was not acknowledged.
        raise invalid("event.name", "give each event of a stream an id, events/{id}")
    return offer_of(request)


def at(sequence: int, error: CausewayError) -> CausewayError:
    """Say which event of the stream it is about."""
    return _placed(f"sequence {sequence}", {"sequence": str(sequence)}, error)


def _after(last: int, error: CausewayError) -> CausewayError:
    return _placed(f"after sequence {last}", {"after_sequence": str(last)}, error)


def _placed(place: str, metadata: Mapping[str, str], error: CausewayError) -> CausewayError:
    made = copy(error)
    made.message = f"{place}: {error.message}"
    made.args = (made.message,)
    made.metadata = {**error.metadata, **metadata}
    return made
