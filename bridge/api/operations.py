"""`causeway.bridge.v1.OperationsService`."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio

from bridge.api.cluster_resource import cluster_message
from bridge.api.dead_letter_resource import dead_letter_message
from bridge.api.dead_letters import DeadLetters
from bridge.api.known_types import KnownTypes
from bridge.api.once import Once
from bridge.api.replays import Replays
from bridge.errors import Unavailable
from bridge.kafka import cluster
from bridge.server.identity import current_caller
from causeway.bridge.v1 import operations_service_pb2 as pb
from causeway.bridge.v1.operations_service_pb2_grpc import OperationsServiceServicer

Describe = Callable[[], Awaitable[cluster.Cluster]]
Context = grpc.aio.ServicerContext[Any, Any]


class Operations(OperationsServiceServicer):
    """Replays, dead letters and the cluster."""

    def __init__(
        self,
        describe: Describe,
        dead_letters: DeadLetters,
        replays: Replays,
        once: Once,
        known: KnownTypes,
    ) -> None:
        self._describe = describe
        self._dead_letters = dead_letters
        self._replays = replays
        self._once = once
        self._known = known

    async def ReplayEvents(self, request: pb.ReplayEventsRequest, context: Context) -> pb.Replay:
        """Ask a group's owner for a replay, or count what it would handle."""
        if request.dry_run:
            return await self._replays.count(request.replay)
        actor = current_caller().name

        async def start() -> str:
            return await self._replays.start(request, actor)

        return await self._replays.get(await self._once(request, start))

    async def GetReplay(self, request: pb.GetReplayRequest, context: Context) -> pb.Replay:
        """The replay and its progress."""
        return await self._replays.get(request.name)

    async def ListReplays(
        self, request: pb.ListReplaysRequest, context: Context
    ) -> pb.ListReplaysResponse:
        """A page of replays, newest first."""
        replays, token = await self._replays.page(request)
        return pb.ListReplaysResponse(replays=replays, next_page_token=token)

    async def CancelReplay(self, request: pb.CancelReplayRequest, context: Context) -> pb.Replay:
        """Ask the owner to stop."""

        async def cancel() -> str:
            await self._replays.cancel(request.name)
            return request.name

        return await self._replays.get(await self._once(request, cancel))

    async def ListDeadLetters(
        self, request: pb.ListDeadLettersRequest, context: Context
    ) -> pb.ListDeadLettersResponse:
        """A page of parked events, the longest parked first."""
        rows, token = await self._dead_letters.page(request)
        letters = [dead_letter_message(store, row, self._known) for store, row in rows]
        return pb.ListDeadLettersResponse(dead_letters=letters, next_page_token=token)

    async def RedriveDeadLetters(
        self, request: pb.RedriveDeadLettersRequest, context: Context
    ) -> pb.RedriveDeadLettersResponse:
        """Ask the owners to handle parked events again."""
        actor = current_caller().name

        async def redrive() -> str:
            return str(await self._dead_letters.redrive(request.filter, actor))

        return pb.RedriveDeadLettersResponse(count=int(await self._once(request, redrive)))

    async def DiscardDeadLetters(
        self, request: pb.DiscardDeadLettersRequest, context: Context
    ) -> pb.DiscardDeadLettersResponse:
        """Ask the owners to give parked events up."""
        actor = current_caller().name

        async def discard() -> str:
            return str(await self._dead_letters.discard(request.filter, actor))

        return pb.DiscardDeadLettersResponse(count=int(await self._once(request, discard)))

    async def DescribeCluster(
        self, request: pb.DescribeClusterRequest, context: Context
    ) -> pb.DescribeClusterResponse:
        """Show brokers, partitions and groups as the brokers tell it now."""
        try:
            seen = await self._describe()
        except cluster.KafkaError as error:
            raise Unavailable("no broker answers", reason="KAFKA_UNAVAILABLE") from error
        return cluster_message(seen)
