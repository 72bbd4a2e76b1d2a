"""Where a subscription begins: at a token, a time, or an end of the log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bridge.api.points import point_of
from bridge.errors import InvalidArgument
from bridge.kafka.onlooker import gone
from bridge.kafka.record import Partition
from bridge.subscribe.places import Places
from bridge.subscribe.readers import Readers
from bridge.subscribe.tokens import BEGINNING, MOST_PARTITIONS, Place, ResumeTokens
from bridge.subscribe.window import Window
from causeway.bridge.v1 import event_service_pb2 as pb

PATIENCE = 8.0
"""Seconds until brokers that do not tell a place count as away; a caller waits for its stream."""
SKEW = timedelta(minutes=1)
"""An event is written after it happened, but its record's time is by another clock."""


class Start:
    """Finds the place that a request asks for."""

    def __init__(self, window: Window, readers: Readers, tokens: ResumeTokens) -> None:
        self._window = window
        self._places = Places(readers, PATIENCE)
        self._tokens = tokens

    async def place(
        self,
        request: pb.SubscribeEventsRequest,
        binding: bytes,
        partitions: Sequence[Partition],
    ) -> Place:
        """The place of all `partitions`, in order of topics, and no others.

        InvalidArgument: a token that is not its, or more partitions than a token can hold.
        OutOfRange: a token's place is not in the log. Unavailable: the brokers are away.
        """
        if len(partitions) > MOST_PARTITIONS:
            raise InvalidArgument(
                f"these topics have {len(partitions)} partitions; a subscription may have "
                f"{MOST_PARTITIONS}: ask for fewer topics",
                reason="TOO_MANY_PARTITIONS",
            )
        if request.resume_token:
            return await self._resumed(request, binding, partitions)
        since = point_of(request, "time")
        if since is not None:
            since = max(since, BEGINNING)
            early = max(since - SKEW, BEGINNING)
            return Place(await self._places.since(partitions, early), since)
        if request.position == pb.START_POSITION_EARLIEST:
            return Place(await self._places.starts(partitions))
        return Place(await self._places.ends(partitions))

    async def _resumed(
        self,
        request: pb.SubscribeEventsRequest,
        binding: bytes,
        partitions: Sequence[Partition],
    ) -> Place:
        topics = sorted({one.topic for one in partitions})
        place = self._tokens.open(binding, topics, request.resume_token)
        for where in place.at.keys() - set(partitions):
            raise gone(where, place.at[where])
        await self._check_ends({w: at for w, at in place.at.items() if at > self._window.next(w)})
        # Partitions that came after the token was made: nothing of them was seen.
        return replace(place, at={where: place.at.get(where, 0) for where in partitions})

    async def _check_ends(self, ahead: Mapping[Partition, int]) -> None:
        """See that the log reaches where this process has not read it yet."""
        ends = await self._places.ends(sorted(ahead)) if ahead else {}
        for where, at in ahead.items():
            if at > ends[where]:
                raise gone(where, at)
