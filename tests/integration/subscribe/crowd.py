"""Many subscribers of one kind: each resumes by itself, wherever it may, and notes what it got."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from tests.integration.bridge.parts import until

A_CONNECTION = 100
"""Streams that one connection may have."""
PAUSE = 0.2


@dataclass
class Member:
    """What one subscriber has: by place the id, in the order in which they came first."""

    token: str = ""
    got: dict[tuple[int, int], str] = field(default_factory=dict)
    order: list[tuple[int, int]] = field(default_factory=list)
    subscribed: int = 0
    repeated: int = 0

    def note(self, answer: pb.SubscribeEventsResponse) -> None:
        """Take an answer in; what comes again must be the same."""
        self.token = answer.resume_token or self.token
        if not answer.HasField("event"):
            return
        place, name = (answer.event.partition, answer.event.offset), answer.event.name
        if place in self.got:
            assert self.got[place] == name, "another event at the same place"
            self.repeated += 1
            return
        self.got[place] = name
        self.order.append(place)

    def in_order(self) -> bool:
        """Whether each partition came in the order of its offsets."""
        partitions = {partition for partition, _ in self.order}
        return all(
            (offsets := [at for one, at in self.order if one == partition]) == sorted(offsets)
            for partition in partitions
        )


class Crowd:
    """Subscribers of `topic`; `ports` says where a replica may be asked."""

    def __init__(
        self, number: int, topic: str, token: Callable[[], str], ports: Sequence[int]
    ) -> None:
        self.members = [Member() for _ in range(number)]
        self.ports = list(ports)
        self._tasks: list[asyncio.Task[None]] = []
        self._topic = topic
        self._token = token

    async def follow(self, index: int) -> None:
        """Be one subscriber until cancelled."""
        member = self.members[index]
        while True:
            target = f"127.0.0.1:{self.ports[0]}"
            # Neighbours share a connection, which is closed with the last of them.
            options = (("grpc.channel_id", index // A_CONNECTION),)
            async with grpc.aio.insecure_channel(target, options) as channel:
                try:
                    await self._read(EventServiceStub(channel), member)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        raise
            await asyncio.sleep(PAUSE)

    async def _read(self, stub: EventServiceStub, member: Member) -> None:
        request = pb.SubscribeEventsRequest(topics=[self._topic], resume_token=member.token)
        if not member.token:
            request.position = pb.START_POSITION_LATEST
        metadata = (("authorization", f"Bearer {self._token()}"),)
        begun = False
        answers: AsyncIterator[pb.SubscribeEventsResponse]
        answers = stub.SubscribeEvents(request, metadata=metadata)  # type: ignore[assignment]
        async for answer in answers:
            member.note(answer)
            # Signs of life without a token come before the place is found.
            if answer.resume_token and not begun:
                member.subscribed, begun = member.subscribed + 1, True

    async def until(self, holds: Callable[[Member], bool], seconds: float) -> None:
        """Wait until it holds for all of them."""
        await until(lambda: self._well() and all(map(holds, self.members)), seconds)

    def start(self) -> None:
        """Begin to read."""
        self._tasks = [
            asyncio.create_task(self.follow(index)) for index in range(len(self.members))
        ]

    async def stop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _well(self) -> bool:
        for task in self._tasks:
            if task.done():
                task.result()
        return True


@asynccontextmanager
async def crowd(
    number: int, topic: str, token: Callable[[], str], ports: Sequence[int]
) -> AsyncIterator[Crowd]:
    """A crowd that reads for the length of the block."""
    made = Crowd(number, topic, token, ports)
    made.start()
    try:
        yield made
    finally:
        await made.stop()
