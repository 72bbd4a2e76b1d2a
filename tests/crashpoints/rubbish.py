"""Rubbish on a topic: parked, tried again for nothing, and given up by an administrator."""

import asyncio
import uuid
from typing import Any

from aiokafka import AIOKafkaProducer
from google.protobuf.message import Message

from causeway.bridge.v1 import operations_service_pb2 as operations
from causeway.inventory.v1 import events_pb2 as inventory
from services.events import catalog_of
from tests.crashpoints.callers import PATIENCE, PAUSE, Callers
from tests.crashpoints.corner import Corner
from tests.crashpoints.evidence import STOCK_GROUP


class Rubbish:
    """One record that is no event, under a key of its own."""

    def __init__(self, callers: Callers, corner: Corner, key: str) -> None:
        self._callers = callers
        self._corner = corner
        self._key = key
        self._meant = operations.DeadLetterFilter(group=STOCK_GROUP, key=key)

    async def run(self) -> None:
        """Write it, and see it parked, tried again, and gone."""
        await self._write()
        parked = await self._attempted(1)
        redrive = operations.RedriveDeadLettersRequest(filter=self._meant, request_id=_fresh())
        await self._ask("RedriveDeadLetters", redrive)
        await self._attempted(parked + 1)
        discard = operations.DiscardDeadLettersRequest(filter=self._meant, request_id=_fresh())
        await self._ask("DiscardDeadLetters", discard)

    async def _write(self) -> None:
        (topic,) = catalog_of(inventory).topics()
        producer = AIOKafkaProducer(**self._corner.kafka.client(), acks="all")
        try:
            await producer.start()
            # Its subject alone is told, so that a replay of another need not look at it.
            headers = [("ce_subject", f"inventory/{self._key}".encode())]
            await producer.send_and_wait(
                f"{self._corner.run}.{topic}", b"rubbish", self._key.encode(), headers=headers
            )
        finally:
            await producer.stop()

    async def _attempted(self, times: int) -> int:
        """Wait until it was parked and tried so often; gives how often it was."""
        request = operations.ListDeadLettersRequest(filter=self._meant)
        async with asyncio.timeout(PATIENCE):
            while True:
                page = await self._ask("ListDeadLetters", request)
                if page.dead_letters and page.dead_letters[0].attempts >= times:
                    return int(page.dead_letters[0].attempts)
                await asyncio.sleep(PAUSE)

    async def _ask(self, method: str, request: Message) -> Any:
        call = getattr(self._callers.operations, method)
        return await self._callers.ask(call, request, "root", "admin")


def _fresh() -> str:
    return str(uuid.uuid4())
