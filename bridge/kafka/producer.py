"""A producer with the few settings we use: idempotent, acknowledged by all in-sync replicas."""

import asyncio
from collections.abc import Sequence
from itertools import chain

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bridge.kafka.batches import Placed, Sent, batched
from bridge.kafka.record import Ack, Headers, Outgoing
from bridge.kafka.settings import KafkaSettings

REQUEST_TIMEOUT_MS = 10_000
BATCH_BYTES = 256 * 1024
"""A page of usual events is one batch a partition. A larger record goes in a batch of its own."""
ABANDON_SECONDS = 2.0


class Producer:
    """Sends records. Java's murmur2 on the key chooses the partition (aiokafka's default too).

    Not restarted after an error: an idempotent producer that lost a batch has lost its sequence
    (aiokafka#1017). Close it, open another, and send again what was not acknowledged.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._producer = AIOKafkaProducer(
            **settings.client(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )

    async def start(self) -> None:
        """Connect; a KafkaError (an OSError where no broker answers) if that fails."""
        try:
            await self._producer.start()
        except BaseException:
            await self.abandon()
            raise

    async def send(
        self, topic: str, key: bytes, value: bytes, headers: Headers
    ) -> "asyncio.Future[Ack]":
        """Queue a record; waits while the queue is full. Awaiting the result gives its place."""
        future: asyncio.Future[Ack] = await self._producer.send(
            topic, value, key, headers=list(headers)
        )
        return future

    async def send_all(self, records: Sequence[Outgoing]) -> Sent:
        """Queue records in order, as batches; waits while an earlier batch is not on its way.

        In order per partition: the client keeps one batch of a partition in flight, and those
        that follow in the order in which they were handed over.
        """
        topics = {record.topic for record in records}
        counts = {topic: len(await self._producer.partitions_for(topic)) for topic in topics}
        batches = batched(records, counts, self._producer.create_batch)
        futures: list[asyncio.Future[Placed]] = []
        try:
            for batch in batches:
                topic, partition = batch.where
                futures.append(
                    await self._producer.send_batch(batch.builder, topic, partition=partition)
                )
        except BaseException:
            Sent(batches, futures).forget()
            raise
        return Sent(batches, futures)

    async def close(self) -> None:
        """Wait until all is acknowledged, then disconnect."""
        await self._producer.stop()

    async def abandon(self) -> None:
        """Disconnect at once. What was not acknowledged may or may not have arrived."""
        # Without this the client would wait for its pending batches, which may never end.
        queue = self._producer._message_accumulator
        waiting = [*chain.from_iterable(queue._batches.values()), *queue._pending_batches]
        queue.fail_all(KafkaError("the producer was abandoned"))
        for batch in waiting:
            batch.future.exception()  # nobody waits for it any more, and nobody needs to be told
        try:
            async with asyncio.timeout(ABANDON_SECONDS):
                await self._producer.stop()
        except Exception:
            # Whatever it is, the producer is given up. aiokafka's sender (0.14) fails with KeyError
            # where it sets out to repeat a batch that was failed meanwhile.
            await self._producer.client.close()
