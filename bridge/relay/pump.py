"""The work of an active relay: pages of the outbox to Kafka, and out of the outbox.

The database and Python take turns at once: while a page is made into batches, one statement takes
an acknowledged page out and reads the next. Pages are sent in the order in which they were read,
and confirmed in that order.
"""

import asyncio
from collections import deque

import asyncpg

from bridge.audit.seals import Chain
from bridge.errors import FailedPrecondition
from bridge.kafka.batches import Sent
from bridge.kafka.producer import Producer
from bridge.relay.outbox import EMPTY, PAGE, Done, Outbox, Page
from bridge.waiting import wait_any

POLL_SECONDS = 5.0
SEND_SECONDS = 20.0
PAGES_IN_FLIGHT = 4


class Pump:
    """Works for one session of a relay, with its connection, producer and chain."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        producer: Producer,
        outbox: Outbox,
        chain: Chain,
        wake: asyncio.Event,
    ) -> None:
        """`connection` holds the relay's lock; `wake` is set when something was committed."""
        self._connection = connection
        self._producer = producer
        self._outbox = outbox
        self._chain = chain
        self._wake = wake
        self._flying: deque[_Flight] = deque()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then until what is in flight is confirmed. Any failure is raised.

        FailedPrecondition at an event of an unknown type, once all before it is confirmed: else
        each session would send that again.
        """
        try:
            page = await self._turn(stop)
            while page.rows or self._flying or not stop.is_set():
                page = await self._step(page, stop)
        finally:
            for flight in self._flying:
                flight.sent.forget()

    async def _step(self, page: Page, stop: asyncio.Event) -> Page:
        """Send the page that was read, or wait for something to do; give the next page."""
        if page.rows:
            return await self._send(page, stop)
        if self._flying:
            await self._flying[0].wait(self._wake)
        elif page.unknown:
            raise _unknown(page.unknown)
        else:
            await wait_any(POLL_SECONDS, self._wake, stop)
        return await self._turn(stop)

    async def _send(self, page: Page, stop: asyncio.Event) -> Page:
        turn = asyncio.create_task(self._turn(stop, page))
        # Its statements are on their way before Python is kept busy here.
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                sent = await self._producer.send_all(self._outbox.records(page))
            self._flying.append(_Flight(page, sent))
            return await turn
        finally:
            turn.cancel()
            await asyncio.gather(turn, return_exceptions=True)

    async def _turn(self, stop: asyncio.Event, sending: Page = EMPTY) -> Page:
        """Take out what is acknowledged; read what comes after `sending` and all in flight."""
        done = await self._acknowledged()
        # Before the read: what is committed after it sets it again.
        self._wake.clear()
        if done is None and stop.is_set():
            return EMPTY
        flying = (sending, *(flight.page for flight in self._flying))
        most = 0 if stop.is_set() else PAGE
        page = await self._outbox.page(self._connection, flying, done, most)
        if done is not None:
            self._flying.popleft()
        return page

    async def _acknowledged(self) -> Done | None:
        """Give the oldest page in flight if the brokers have it, or must have it first."""
        if not self._flying:
            return None
        oldest = self._flying[0]
        if not oldest.sent.done.done() and len(self._flying) < PAGES_IN_FLIGHT:
            return None
        async with asyncio.timeout_at(oldest.end):
            places = await oldest.sent.places()
        return Done(oldest.page, places, self._chain)


def _unknown(type_name: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"the outbox holds an event of type {type_name}, which this process does not know: it and "
        "what follows wait. Deploy the code that knows it; a worker that does takes over by itself",
        reason="UNKNOWN_TYPE",
        metadata={"type": type_name},
    )


class _Flight:
    """A page on its way."""

    def __init__(self, page: Page, sent: Sent) -> None:
        self.page = page
        self.sent = sent
        self.end = asyncio.get_running_loop().time() + SEND_SECONDS

    async def wait(self, wake: asyncio.Event) -> None:
        """Wait until it is acknowledged or more was committed; TimeoutError at its end."""
        woken = asyncio.create_task(wake.wait())
        try:
            async with asyncio.timeout_at(self.end):
                await asyncio.wait((self.sent.done, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
