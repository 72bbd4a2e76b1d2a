"""Settles registrations that a crash left, in the worker."""

import asyncio
import contextlib

import asyncpg

from bridge import logs
from bridge.errors import CausewayError
from services.users.intents import Intents
from services.users.registration import Registration

INTERVAL = 5.0
BATCH = 20


class Sweeper:
    """Looks every `interval` seconds. Any number may run: an intent is leased to one of them."""

    def __init__(
        self, intents: Intents, registration: Registration, interval: float = INTERVAL
    ) -> None:
        self._intents = intents
        self._registration = registration
        self._interval = interval

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until `stop` is set. An outage is waited for."""
        while not stop.is_set():
            try:
                await self.sweep()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logs.warning("users.sweep_failed", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval)

    async def sweep(self) -> int:
        """Settle what is due now; how many were settled. One that fails comes again later."""
        settled = 0
        for intent in await self._intents.due(BATCH):
            try:
                await self._registration.settle(intent)
                settled += 1
            except CausewayError as error:
                logs.warning("users.registration_unsettled", intent=intent.id, reason=error.reason)
        return settled
