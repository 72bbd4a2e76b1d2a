"""An administrator has old events handled, which were handled already, and changes her mind."""

import asyncio
import uuid

import grpc
import grpc.aio

from causeway.bridge.v1 import operations_service_pb2 as operations
from tests.crashpoints.callers import PATIENCE, PAUSE, Callers
from tests.crashpoints.corner import Corner
from tests.crashpoints.customer import Customer
from tests.crashpoints.errands import PIECES
from tests.crashpoints.evidence import STOCK_GROUP

STOCK = "SELECT pieces FROM stock WHERE sku = $1"


class Replaying:
    """Replays of what was published about one customer's product."""

    def __init__(self, callers: Callers, corner: Corner, customer: Customer) -> None:
        self._callers = callers
        self._corner = corner
        self._me = customer

    async def run(self) -> None:
        """One to its end; and one that waits for it, which is cancelled unless it has ended too."""
        await self._counted()
        for _ in range(2):
            name = await self._start()
        await self._cancel(name)

    async def _counted(self) -> None:
        """Wait until there is something to meet again."""
        async with asyncio.timeout(PATIENCE):
            while True:
                pieces = await self._corner.pools["orders"].fetchval(STOCK, self._me.sku)
                if pieces == sum(PIECES):
                    return
                await asyncio.sleep(PAUSE)

    async def _start(self) -> str:
        backfill = operations.Replay(
            mode=operations.Replay.MODE_BACKFILL,
            group=STOCK_GROUP,
            origin=operations.Replay.ORIGIN_KAFKA,
            subject=f"inventory/{self._me.sku}",
        )
        request = operations.ReplayEventsRequest(replay=backfill, request_id=str(uuid.uuid4()))
        made = await self._callers.ask(
            self._callers.operations.ReplayEvents, request, "root", "admin"
        )
        self._me.replays.append(made.name)
        return str(made.name)

    async def _cancel(self, name: str) -> None:
        request = operations.CancelReplayRequest(name=name, request_id=str(uuid.uuid4()))
        try:
            await self._callers.ask(self._callers.operations.CancelReplay, request, "root", "admin")
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:  # it has ended
                raise
