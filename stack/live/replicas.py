"""Restarts and scales the services of a running platform without a call that fails.

Always in this order: the new replica is ready, the edge finds it healthy, the edge lets go of the
old one, the last call on the old one ends, the old one is stopped.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.deployments import Address
from gateway.descriptors import load
from stack import addresses
from stack.choices import SCALABLE, Choices
from stack.components.services import process
from stack.control import Say
from stack.credentials import Credentials
from stack.live import served
from stack.live.members import Balancer, drained
from stack.ports import require_free
from stack.settings import REPLICAS, Settings
from stack.steps import edge_root
from stack.supervisor import Supervisor
from stack.workplace import Workplace


class Replicas:
    """The api and worker processes of each service, as the supervisor runs them."""

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        choices: Choices,
        supervisor: Supervisor,
        place: Workplace,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._counts = {service: choices.replicas(service) for service in SCALABLE}
        self._supervisor = supervisor
        self._place = place
        admin = Address(addresses.HOST, settings.port.edge_admin)
        self._balancer = Balancer(edge_root(settings), admin)
        self._balanced = "edge" in place.record.entries

    async def restart(self, order: Mapping[str, Any], say: Say) -> None:
        """Replace every process of `service`, one at a time, with one replica more meanwhile.

        A replica that is let go has `drain` seconds for the calls that are open on it. After a
        start that failed, the replica more stays; the next restart begins with what is missing.
        """
        service, drain = order["service"], float(order["drain"])
        started_with = served.digests(load(), SCALABLE)
        wanted = range(1, self._counts[service] + 1)
        old = sorted(self._present(service, "api") & set(wanted))
        for number in self._missing(service, "api", range(1, min(len(wanted) + 1, REPLICAS) + 1)):
            await self._join(service, number, say)
        try:
            for number in old:
                await self._leave(service, number, drain, say)
                await self._join(service, number, say)
        finally:
            if not self._missing(service, "api", wanted):
                await self._leave_beyond(service, len(wanted), drain, say)
        for number in wanted:
            await self._retire_worker(service, number)
            await self._start(service, "worker", number, say)
        served.note(self._settings.state, {service: started_with[service]})

    async def scale(self, order: Mapping[str, Any], say: Say) -> None:
        """Have `replicas` processes of each kind of `service`."""
        service, wanted, drain = order["service"], int(order["replicas"]), float(order["drain"])
        for number in range(1, wanted + 1):
            for missing in self._missing(service, "api", [number]):
                await self._join(service, missing, say)
            for missing in self._missing(service, "worker", [number]):
                await self._start(service, "worker", missing, say)
            self._count(service, max(number, self._counts[service]))
        await self._leave_beyond(service, wanted, drain, say)

    async def _leave_beyond(self, service: str, count: int, drain: float, say: Say) -> None:
        apis, workers = self._present(service, "api"), self._present(service, "worker")
        for number in sorted(apis | workers, reverse=True):
            if number <= count:
                continue
            if number in apis:
                await self._leave(service, number, drain, say)
            if number in workers:
                await self._retire_worker(service, number)
                say(f"{service}-worker-{number} stopped")
            self._count(service, min(number - 1, self._counts[service]))

    async def _join(self, service: str, number: int, say: Say) -> None:
        await self._start(service, "api", number, say)
        await self._balance(service, self._present(service, "api"))

    async def _leave(self, service: str, number: int, drain: float, say: Say) -> None:
        name = f"{service}-api-{number}"
        await self._balance(service, self._present(service, "api") - {number})
        pid = self._supervisor.pid(name)
        free = pid is None or await drained(self._port(service, number), pid, drain, say)
        await self._supervisor.retire(name)
        say(f"{name} stopped" if free else f"{name} stopped, with calls that were still open")

    async def _retire_worker(self, service: str, number: int) -> None:
        if number in self._present(service, "worker"):
            await self._supervisor.retire(f"{service}-worker-{number}")

    def _present(self, service: str, kind: str) -> set[int]:
        """The numbers that the supervisor has now: a failed start may have left a gap."""
        stem = f"{service}-{kind}-"
        names = self._place.record.entries
        return {int(name.removeprefix(stem)) for name in names if name.startswith(stem)}

    def _missing(self, service: str, kind: str, wanted: Iterable[int]) -> list[int]:
        present = self._present(service, kind)
        return [number for number in wanted if number not in present]

    async def _start(self, service: str, kind: str, number: int, say: Say) -> None:
        one = process(self._settings, self._credentials, service, kind, number)
        require_free(one.ports)
        await self._supervisor.add(one)
        say(f"{one.name} is ready")

    async def _balance(self, service: str, serving: Iterable[int]) -> None:
        if self._balanced:
            await self._balancer.send(service, [self._port(service, n) for n in serving])

    def _count(self, service: str, replicas: int) -> None:
        self._counts[service] = replicas
        self._place.scaled(service, replicas)

    def _port(self, service: str, number: int) -> int:
        return int(getattr(self._settings.port, f"{service}_api")) + number - 1
