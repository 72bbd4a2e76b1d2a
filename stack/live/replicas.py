"""Restarts and scales the services of a running platform without a call that fails.

Always in this order: the new replica is ready, the edge finds it healthy, the edge lets go of the
old one, the last call on the old one ends, the old one is stopped.
"""

from collections.abc import Mapping, Sequence
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

        A replica that is let go has `drain` seconds for the calls that are open on it.
        """
        service, drain = order["service"], float(order["drain"])
        started_with = served.digests(load(), SCALABLE)
        numbers = range(1, self._counts[service] + 1)
        spare = len(numbers) + 1 if len(numbers) < REPLICAS else 0
        serving = set(numbers)
        if spare:
            await self._join(service, spare, serving, say)
        for number in numbers:
            await self._leave(service, number, serving, drain, say)
            await self._join(service, number, serving, say)
        if spare:
            await self._leave(service, spare, serving, drain, say)
        for number in self._workers(service, numbers):
            await self._supervisor.retire(f"{service}-worker-{number}")
            await self._start(service, "worker", number, say)
        served.note(self._settings.state, {service: started_with[service]})

    async def scale(self, order: Mapping[str, Any], say: Say) -> None:
        """Have `replicas` processes of each kind of `service`."""
        service, wanted, drain = order["service"], int(order["replicas"]), float(order["drain"])
        count = self._counts[service]
        serving = set(range(1, count + 1))
        for number in range(count + 1, wanted + 1):
            await self._join(service, number, serving, say)
            for worker in self._workers(service, (number,)):
                await self._start(service, "worker", worker, say)
            self._count(service, number)
        for number in range(count, wanted, -1):
            await self._leave(service, number, serving, drain, say)
            for worker in self._workers(service, (number,)):
                await self._supervisor.retire(f"{service}-worker-{worker}")
                say(f"{service}-worker-{worker} stopped")
            self._count(service, number - 1)

    async def _join(self, service: str, number: int, serving: set[int], say: Say) -> None:
        await self._start(service, "api", number, say)
        serving.add(number)
        await self._balance(service, serving)

    async def _leave(
        self, service: str, number: int, serving: set[int], drain: float, say: Say
    ) -> None:
        name = f"{service}-api-{number}"
        serving.discard(number)
        await self._balance(service, serving)
        pid = self._supervisor.pid(name)
        free = pid is None or await drained(self._port(service, number), pid, drain, say)
        await self._supervisor.retire(name)
        say(f"{name} stopped" if free else f"{name} stopped, with calls that were still open")

    async def _start(self, service: str, kind: str, number: int, say: Say) -> None:
        one = process(self._settings, self._credentials, service, kind, number)
        require_free(one.ports)
        await self._supervisor.add(one)
        say(f"{one.name} is ready")

    async def _balance(self, service: str, serving: set[int]) -> None:
        if self._balanced:
            await self._balancer.send(service, [self._port(service, n) for n in serving])

    def _count(self, service: str, replicas: int) -> None:
        self._counts[service] = replicas
        self._place.scaled(service, replicas)

    def _port(self, service: str, number: int) -> int:
        return int(getattr(self._settings.port, f"{service}_api")) + number - 1

    def _workers(self, service: str, numbers: Sequence[int]) -> Sequence[int]:
        """The bridge has no workers of its own."""
        return () if service == "bridge" else numbers
