"""Heads of chains on Kafka: what the owner of a database can't take back.

One record a head on the topic `causeway.seals.v1`, key: the owner of the store (`orders`). The
value is JSON, so that anybody can check it with what every language has:

    {"source": "/causeway/orders", "seq": 1000, "position": 1004, "hash": "5e1f…"}

`seq`, `position` and `hash` (hex, lower case) are those of the seal that was the last one when it
was committed. Heads of one store come with growing `seq`; the same one may come again. A head is
sent after its seal is committed, so a store that was not tampered with holds every head's seal.
"""

import asyncio
import json
from collections.abc import Callable

from bridge import logs
from bridge.audit.seals import GENESIS, Chain, Head
from bridge.kafka.errors import KafkaError
from bridge.kafka.producer import Producer
from bridge.kafka.settings import KafkaSettings
from bridge.waiting import wait_any

TOPIC = "causeway.seals.v1"
HEAD_SECONDS = 5.0
MOST_BYTES = 1000
"""Of a head's record. One is 200 bytes long; deep nesting needs more."""
SEND_SECONDS = 10.0
HEADERS = (("content-type", b"application/json"),)


def owner_of(source: str) -> str:
    """Give the key of a store's heads: "orders" of "/causeway/orders"."""
    return source.rpartition("/")[2]


def write_head(source: str, head: Head) -> bytes:
    """Lay out the value of a head's record."""
    said = {
        "source": source,
        "seq": head.seq,
        "position": head.position,
        "hash": head.hash.hex(),
    }
    return json.dumps(said).encode()


def read_head(value: bytes) -> Head:
    """Read the value of a head's record; ValueError if it is not one, whatever else it is."""
    if len(value) > MOST_BYTES:
        raise ValueError("too long for a head")
    try:
        said = json.loads(value)
        head = Head(said["seq"], said["position"], bytes.fromhex(said["hash"]))
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a head") from error
    if not (_fits(head.seq) and head.seq > 0 and _fits(head.position)):
        raise ValueError("a number of it is none of a seal")
    if len(head.hash) != len(GENESIS):
        raise ValueError("its hash is none of a seal")
    return head


def _fits(number: object) -> bool:
    """Whether a bigint can hold it; true and 1.0 are no numbers of a seal."""
    return type(number) is int and -(2**63) <= number < 2**63


class Heads:
    """Sends the head of a chain every 1000 events or 5 s, with a producer of its own.

    Not the relay's: a head that can't be sent must not stop the events, and an idempotent
    producer that lost one batch is of no use for the next.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: str,
        source: str,
        chain: Chain,
        open_producer: Callable[[KafkaSettings], Producer] = Producer,
    ) -> None:
        self._kafka = kafka
        self._topic = topic
        self._source = source
        self._chain = chain
        self._open = open_producer
        self._producer: Producer | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Send heads until `stop` is set, and the last one then.

        The head that it finds goes first: whoever held the chain before may have been killed
        between a seal and its head.
        """
        try:
            while not stop.is_set():
                # After a failure not again at once, however many events are sealed meanwhile.
                early = (stop, self._chain.due) if await self._sent() else (stop,)
                await wait_any(HEAD_SECONDS, *early)
            await self._sent()
        finally:
            await self._abandon()

    async def _sent(self) -> bool:
        """Send the head unless it is there; whether it is."""
        head = self._chain.head
        if head.seq in (0, self._chain.announced):
            return True
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._acknowledged(head)
        except (OSError, TimeoutError, KafkaError) as error:
            logs.warning("seals.head_not_sent", cause=type(error).__name__, seq=head.seq)
            await self._abandon()
            return False
        self._chain.announce(head)
        return True

    async def _acknowledged(self, head: Head) -> None:
        if self._producer is None:
            self._producer = self._open(self._kafka)
            await self._producer.start()
        value = write_head(self._source, head)
        key = owner_of(self._source).encode()
        await (await self._producer.send(self._topic, key, value, HEADERS))

    async def _abandon(self) -> None:
        if self._producer is not None:
            await self._producer.abandon()
            self._producer = None
