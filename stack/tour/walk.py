"""Walks the hops one after the other, and names the one that is missing."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

import asyncpg
import httpx

from bridge.kafka.errors import KafkaError
from client.tokens import LoginFailed
from stack.tour import edge, log, mail, store
from stack.tour.journey import Addresses, Hop, Journey, Sight
from stack.tour.refused import Refused

Found = TypeVar("Found")
Step = Callable[[], Awaitable[Sight]]
FAILURES = (
    *(Refused, LoginFailed, httpx.HTTPError, OSError, ValueError, KeyError),
    *(KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError),
)


class HopMissing(Exception):  # noqa: N818 (says what is the case)
    """The tour ends before `hop`; the text says why."""

    def __init__(self, hop: str, why: str) -> None:
        super().__init__(why)
        self.hop = hop


def new_journey() -> Journey:
    """A customer that nobody else is."""
    username = f"tour-{secrets.token_hex(5)}"
    return Journey(username, secrets.token_urlsafe(16), f"{username}@example.com")


async def walk(where: Addresses, limit: float) -> AsyncIterator[Hop]:
    """Each hop as it happens, the mail last.

    HopMissing after `limit` seconds in all, or at once where a part refuses.
    """
    pace = Pace(limit)
    journey = new_journey()
    async with httpx.AsyncClient(timeout=limit) as http, AsyncExitStack() as stack:
        yield await pace.hop("registration", partial(edge.register, journey, where, http))
        yield await pace.hop("token", partial(edge.log_in, journey, where))
        seen = await pace.within("kafka", stack.enter_async_context(log.follow_log(where.kafka)))
        pace.start()
        for name, step in _hops_of_order(journey, where, http, seen):
            yield await pace.hop(name, step)


def _hops_of_order(
    journey: Journey, where: Addresses, http: httpx.AsyncClient, seen: log.Log
) -> list[tuple[str, Step]]:
    return [
        ("edge", partial(edge.post_order, journey, where, http)),
        ("service", partial(edge.read_order, journey, where, http)),
        ("store", partial(store.find_event, journey, where)),
        ("kafka", partial(log.find_created, journey, seen)),
        ("credit", partial(log.find_credit, journey, seen)),
        ("confirmation", partial(log.find_confirmation, journey, seen)),
        ("mail", partial(mail.read_mail, journey, where, http)),
    ]


class Pace:
    """The tour's clock: one limit for all hops, and the time since the order was posted."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._deadline = self._start = time.monotonic()
        self._deadline += limit

    def start(self) -> None:
        """The order is about to be posted."""
        self._start = time.monotonic()

    async def hop(self, name: str, step: Step) -> Hop:
        """Take one hop."""
        sight = await self.within(name, step())
        return Hop(name, round((sight.at - self._start) * 1000, 1), sight.facts)

    async def within(self, name: str, waiting: Awaitable[Found]) -> Found:
        """Wait in the limit; HopMissing names the hop."""
        try:
            async with asyncio.timeout(max(self._deadline - time.monotonic(), 0)):
                return await waiting
        except TimeoutError:
            raise HopMissing(name, f"not within {self._limit:g} s") from None
        except FAILURES as error:
            raise HopMissing(name, str(error) or type(error).__name__) from error
