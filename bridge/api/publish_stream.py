"""One stream of events from outside: read ahead within bounds, stored in order, acknowledged."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from copy import copy

from bridge.api.inflow import Inflow
from bridge.api.publishable import invalid
from bridge.errors import CausewayError
from bridge.store.offer import Offer, Outcome
from causeway.bridge.v1 import event_service_pb2 as pb

MessageOf = Callable[[bytes], pb.PublishEventsRequest]
OfferOf = Callable[[pb.PublishEventsRequest], Offer]
Put = Callable[[Sequence[Offer]], Awaitable[Sequence[Outcome]]]


async def stored(
    raw: AsyncIterator[bytes], message_of: MessageOf, offer_of: OfferOf, put: Put
) -> AsyncGenerator[int, None]:
    """Yield, after each commit, the sequence up to which every event is stored.

    What is wrong with an event ends the stream, with its sequence named, once everything before it
    is stored and acknowledged.
    """
    inflow, order = Inflow(), _Order(message_of, offer_of)
    reader = asyncio.create_task(_read(raw, inflow))
    try:
        while arrived := await inflow.take():
            # Together, and not each as it comes: one alone finds none of this in the CPU's caches.
            sequences, offers, error = order.checked(arrived)
            arrived.clear()  # while they are stored, as many again may wait
            outcomes = await put(offers) if offers else ()
            up_to = 0
            for sequence, outcome in zip(sequences, outcomes, strict=True):
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


async def _read(raw: AsyncIterator[bytes], inflow: Inflow) -> None:
    """Read message by message, and pause while enough of them wait."""
    try:
        async for message in raw:
            await inflow.put(message)
    except Exception as error:
        inflow.close(error)
    else:
        inflow.close()


class _Order:
    """Checks one event after the other; `last` is the sequence of the last that was in order."""

    def __init__(self, message_of: MessageOf, offer_of: OfferOf) -> None:
        self._message_of, self._offer_of = message_of, offer_of
        self.last = 0

    def checked(self, raw: Sequence[bytes]) -> tuple[list[int], list[Offer], Exception | None]:
        """Give sequences and events up to the first that is wrong, and what is wrong with it."""
        sequences: list[int] = []
        offers: list[Offer] = []
        for one in raw:
            try:
                request = self._message_of(one)
            except CausewayError as error:
                # What can't even be read has no sequence of its own.
                return sequences, offers, _after(self.last, error)
            try:
                offers.append(self._offer(request))
            except CausewayError as error:
                return sequences, offers, at(request.sequence, error)
            except Exception as error:
                # A fault of ours; what came before it is stored and acknowledged all the same.
                return sequences, offers, error
            self.last = request.sequence
            sequences.append(self.last)
        return sequences, offers, None

    def _offer(self, request: pb.PublishEventsRequest) -> Offer:
        if request.sequence <= self.last:
            raise invalid("sequence", f"must be larger than the one before it, {self.last}")
        if not request.event.name:
            # Whoever comes back after a break sends again what was not acknowledged.
            raise invalid("event.name", "give each event of a stream an id, events/{id}")
        return self._offer_of(request)


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
