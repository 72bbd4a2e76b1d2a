"""One stream of events from outside: read ahead within bounds, stored in order, acknowledged."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from copy import copy

from bridge.api.inflow import Entry, Inflow
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
    order = _Order(offer_of)
    inflow = Inflow(order.entry)
    reader = asyncio.create_task(_read(requests, order, inflow))
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
    requests: AsyncIterator[pb.PublishEventsRequest], order: "_Order", inflow: Inflow
) -> None:
    """Read message by message, and pause while enough of them wait."""
    error: Exception | None = None
    try:
        async for request in requests:
            await inflow.put(request)
    except Exception as raised:
        error = raised
    inflow.check()
    # What the kit could not even read has no sequence of its own.
    inflow.close(_after(order.last, error) if isinstance(error, CausewayError) else error)


class _Order:
    """Checks one event after the other; `last` is the sequence of the last that was in order."""

    def __init__(self, offer_of: OfferOf) -> None:
        self._offer_of = offer_of
        self.last = 0

    def entry(self, request: pb.PublishEventsRequest) -> Entry:
        """Give the event with its sequence, which an error names."""
        sequence = request.sequence
        try:
            if sequence <= self.last:
                raise invalid("sequence", f"must be larger than the one before it, {self.last}")
            if not request.event.name:
                # Whoever comes back after a break sends again what was not acknowledged.
                raise invalid("event.name", "give each event of a stream an id, events/{id}")
            offer = self._offer_of(request)
        except CausewayError as error:
            raise at(sequence, error) from None
        self.last = sequence
        return sequence, offer


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
