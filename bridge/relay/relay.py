"""The relay: carries the outbox of one store to Kafka, in order per key, losing nothing.

Not obvious: one connection holds the lock, listens, reads and deletes. Whoever loses the lock
has thereby lost the means to go on. Any failure ends the session: the producer is abandoned, the
lock is given up, and after a pause whoever gets the lock sends again what is still in the outbox.
So there is no retry loop around the producer that could let one record pass another; duplicates
are possible, and the inbox of each consumer drops them.

An event of a type that this process does not know ends the session too, not the process: while a
new release is rolled out, the pause after it is what lets a newer worker's relay have the lock.
"""

import asyncio

import asyncpg

from bridge import logs
from bridge.audit.beginning import find_chain
from bridge.audit.heads import TOPIC as SEALS
from bridge.audit.heads import Heads
from bridge.errors import CausewayError
from bridge.events.catalog import Catalog
from bridge.kafka.errors import KafkaError
from bridge.kafka.producer import Producer
from bridge.kafka.settings import KafkaSettings
from bridge.outages import DRIVER
from bridge.relay.backlog import Backlog
from bridge.relay.outbox import Outbox
from bridge.relay.pump import Pump
from bridge.sql import queries
from bridge.waiting import backoff, wait_any, watching

LOCK = 0x72656C6179  # "relay"
CHANNEL = "bridge_outbox"
STANDBY_SECONDS = 0.5
STATEMENT_SECONDS = 15.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
YIELD_SECONDS = 2 * STANDBY_SECONDS
"""Without the lock at least, so that whoever stands by asks for it meanwhile."""


class Relay:
    """Run one in each worker; an advisory lock lets one of them work, the others stand by."""

    def __init__(
        self,
        dsn: str,
        kafka: KafkaSettings,
        catalog: Catalog,
        source: str,
        *,
        seals: str = SEALS,
    ) -> None:
        """`dsn` is the service's own database; `source` is "/causeway/orders".

        `seals` is the topic for the heads of the audit chain; another one than the default is
        for stores that the platform does not know.
        """
        self._dsn = dsn
        self._kafka = kafka
        self._source = source
        self._seals = seals
        self._outbox = Outbox(catalog, source)
        self._backlog = Backlog(dsn)
        self._wake = asyncio.Event()
        self.active = False
        """Whether this one holds the lock and is connected to Kafka."""
        self.standing_by = False
        """Whether another one holds the lock."""

    @property
    def backlog(self) -> int:
        """Events in the outbox as last measured, every 5 s, also while Kafka is away."""
        return self._backlog.events

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set.

        Survives the loss of the database and of Kafka, and events that it can't send.
        """
        measuring = asyncio.create_task(self._backlog.run(stop))
        try:
            await watching(self._sessions(stop), measuring)
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)

    async def _sessions(self, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            shortest = 0.0
            try:
                await self._session(stop)
                failures = 0
            except (*DRIVER, KafkaError) as error:
                failures = 1 if self.active else failures + 1
                logs.warning("relay.interrupted", cause=type(error).__name__, failures=failures)
            except CausewayError as error:
                # However far it came, the next session comes to the same place.
                failures, shortest = failures + 1, YIELD_SECONDS
                logs.error("relay.blocked", error, failures=failures, **error.metadata)
            finally:
                self.active = self.standing_by = False
            pause = backoff(failures, FIRST_PAUSE, LONGEST_PAUSE) if failures else 0
            await wait_any(max(pause, shortest), stop)

    async def _session(self, stop: asyncio.Event) -> None:
        """Connect, become the active one, and work until `stop` or until something is lost."""
        connection = await asyncpg.connect(
            self._dsn, timeout=STATEMENT_SECONDS, command_timeout=STATEMENT_SECONDS
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            if await self._become_active(connection, stop, lost):
                await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
                await self._while_held(connection, stop, lost)
        finally:
            connection.terminate()

    async def _become_active(
        self, connection: asyncpg.Connection, stop: asyncio.Event, lost: asyncio.Event
    ) -> bool:
        """Ask for the lock until it is ours; False if `stop` came first.

        Asked again and again rather than waited for: a waiting statement holds a snapshot, and
        vacuum could remove nothing from the outbox.
        """
        while not stop.is_set():
            if await connection.fetchval(queries("relay")["lock"], LOCK):
                self.standing_by = False
                return True
            self.standing_by = True
            await wait_any(STANDBY_SECONDS, stop, lost)
        return False

    async def _while_held(
        self, connection: asyncpg.Connection, stop: asyncio.Event, lost: asyncio.Event
    ) -> None:
        """Work with a producer of this session's own; stop at once when the lock is lost."""
        producer = Producer(self._kafka)
        await producer.start()
        work = asyncio.create_task(self._work(connection, producer, stop))
        loss = asyncio.create_task(lost.wait())
        try:
            await asyncio.wait((work, loss), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ConnectionError("the connection that holds the lock is gone")
            work.result()
        finally:
            work.cancel()
            loss.cancel()
            await asyncio.gather(work, loss, return_exceptions=True)
            await producer.abandon()

    async def _work(
        self, connection: asyncpg.Connection, producer: Producer, stop: asyncio.Event
    ) -> None:
        """Carry events, and heads beside them, until `stop`; the last head goes at the end."""
        chain = await find_chain(connection)
        heads = Heads(self._kafka, self._seals, self._source, chain)
        ended = asyncio.Event()
        announcing = asyncio.create_task(heads.run(ended))
        self.active = True
        logs.info("relay.active")
        try:
            pump = Pump(connection, producer, self._outbox, chain, self._wake)
            # Without its heads, history would go on unanchored.
            await watching(pump.run(stop), announcing)
            ended.set()
            await announcing
        finally:
            announcing.cancel()
            await asyncio.gather(announcing, return_exceptions=True)
