"""Feeds gRPC's health service from readiness probes that speak the real protocols."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio

from bridge import logs

# Returns when what it asks for is there, raises when it is not.
Probe = Callable[[], Awaitable[None]]

INTERVAL = 1.0
STARTING_INTERVAL = 0.1
PROBE_TIMEOUT = 2.0
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """Health of a process: every service and "" are SERVING while all probes succeed."""

    def __init__(self, services: Iterable[str], probes: Mapping[str, Probe]) -> None:
        self.servicer = aio.HealthServicer()
        self._names = ("", *services)
        self._probes = probes
        self._failing: frozenset[str] | None = None

    async def begin(self) -> None:
        """Say NOT_SERVING until the probes have said otherwise; call it before the port opens."""
        await self._say(NOT_SERVING)

    async def run(self, stop: asyncio.Event) -> None:
        """Probe until `stop`."""
        while not stop.is_set():
            await self.probe()
            pause = STARTING_INTERVAL if self._failing else INTERVAL
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue

    async def probe(self) -> None:
        """Ask every probe once, and publish what came of it."""
        answers = await asyncio.gather(*(answers_in_time(p) for p in self._probes.values()))
        pairs = zip(self._probes, answers, strict=True)
        failing = {name: error for name, error in pairs if error is not None}
        if failing.keys() == self._failing:
            return
        self._failing = frozenset(failing)
        if failing:
            logs.warning(
                "health.not_ready", failing={k: type(e).__name__ for k, e in failing.items()}
            )
        else:
            logs.info("health.ready")
        await self._say(NOT_SERVING if failing else SERVING)

    async def drain(self) -> None:
        """Say NOT_SERVING for good."""
        await self.servicer.enter_graceful_shutdown()

    async def _say(self, status: int) -> None:
        for name in self._names:
            await self.servicer.set(name, status)


async def answers_in_time(probe: Probe) -> Exception | None:
    """Run one probe; returns what it failed with."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            await probe()
    except Exception as error:
        return error
    return None
