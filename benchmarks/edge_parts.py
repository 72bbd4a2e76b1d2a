"""What the edge is measured with: an issuer of tokens, backends, and real Envoys before them."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

from benchmarks.backend import HOST, NAME
from benchmarks.load import Figures, Plan
from causeway.orders.v1.order_service_pb2 import GetOrderRequest
from gateway import identity
from gateway.deployments import Address, Limits
from gateway.descriptors import load
from gateway.envoy.edge import Edge
from gateway.model import Model, RateLimit
from gateway.reading import read_model
from tests.integration.edge import bench
from tests.integration.edge.issuer import Issuer, serving
from tests.ports import free_port

PATH = "/causeway.orders.v1.OrderService/GetOrder"
REST_PATH = f"/v1/{NAME}"
CALLERS = 16
# Every limit is asked, and none is reached.
LIMITS = Limits(caller=RateLimit(10**6, 1.0), total=RateLimit(10**6, 1.0))


@dataclass(frozen=True, slots=True)
class Place:
    """A port that answers, and the process behind it.

    `ca` is the file with the certificate to trust where it speaks TLS; `secure` the same over TLS.
    """

    port: int
    process: psutil.Process
    ca: str = ""
    secure: "Place | None" = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Figures of a load, and what a call cost in a process: microseconds of its CPU."""

    figures: Figures
    cost: float

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.figures.calls / self.figures.seconds


@dataclass(frozen=True, slots=True)
class EdgeBench:
    """What a measurement is given."""

    issuer: Issuer
    model: Model
    folder: Path
    seconds: float
    rounds: int
    say: Callable[[str], None]

    def tokens(self, callers: int, role: str = "operator") -> list[str]:
        """One caller each, with what Keycloak puts into an access token."""
        return [self.issuer.token(**claims(number, role)) for number in range(callers)]

    def backend(self, kind: str) -> AbstractContextManager[Place]:
        """Run a backend, "kit" or "bare"."""
        return self.program("benchmarks.backend", kind)

    def gateway(self, behind: Place) -> AbstractContextManager[Place]:
        """Run the gateway that is written by hand, before a backend."""
        return self.program("benchmarks.peers.gateway", str(behind.port))

    @contextmanager
    def program(self, module: str, argument: str, **settings: str) -> Iterator[Place]:
        """Run one of our programs on a free port, from when it answers to the end of the block.

        `settings` are variables of its environment, besides those of the server kit.
        """
        port = free_port()
        given = {
            "CAUSEWAY_ISSUER": self.issuer.issuer,
            "CAUSEWAY_JWKS": f"http://{HOST}:{self.issuer.port}{identity.jwks_path()}",
            "CAUSEWAY_CLIENTS": ",".join(identity.client_ids(self.model)),
            "CAUSEWAY_SIGNING_KEY": "no page token is made here",
        }
        log = self.folder / f"{port}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-m", module, argument, str(port)],
                env={**os.environ, **given, **settings},
                stdout=file,
                stderr=file,
            )
        try:
            if not _opens(port, process):
                raise RuntimeError(f"{module} did not open its port:\n{log.read_text()[-2000:]}")
            yield Place(port, psutil.Process(process.pid))
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def edge(
        self,
        behind: Place,
        change: Callable[[Edge], Edge] = lambda edge: edge,
        others: Mapping[str, Place] = MappingProxyType({}),
    ) -> Iterator[Place]:
        """Run Envoy as the local platform does, on what the compiler makes, before a backend.

        `others` stand behind it for areas of their own, as "bridge".
        """
        clusters = {**dict.fromkeys(self.model.areas, behind), **others}
        addresses = {area: (Address(HOST, one.port),) for area, one in clusters.items()}
        root = self.folder / f"edge-{free_port()}"
        deployment = bench.deployment_of(self.model, root, self.issuer, [], limits=LIMITS)
        deployment = replace(deployment, clusters=addresses)
        with bench.running(self.model, deployment, change) as envoy:
            process = psutil.Process(envoy.process.pid)
            secure = Place(envoy.tls_port, process, ca=str(envoy.authority))
            yield Place(deployment.listen.port, process, secure=secure)

    async def load(
        self, place: Place, protocol: str = "grpc", *, callers: int = CALLERS, path: str = ""
    ) -> Seen:
        """Call a place in a process apart."""
        rest = protocol.startswith("rest")
        plan = Plan(
            host=HOST,
            port=place.port,
            protocol=protocol,
            path=path or (REST_PATH if rest else PATH),
            tokens=self.tokens(callers),
            holds=NAME,
            seconds=self.seconds,
            body="" if rest else GetOrderRequest(name=NAME).SerializeToString().hex(),
            ca=place.ca,
        )
        return await seen(place, plan)


async def seen(place: Place, plan: Plan) -> Seen:
    """Call a place as planned, and see what it cost there."""
    before = cpu(place.process)
    figures = await called(plan)
    return Seen(figures, 1e6 * (cpu(place.process) - before) / figures.all_calls)


def claims(number: int, role: str) -> dict[str, object]:
    """What is in a token of Keycloak's besides what is checked: its size is part of the cost."""
    session = f"0198c5a2-1111-7000-8000-{number:012d}"
    return {
        "sub": f"0198c5a2-0000-7000-8000-{number:012d}",
        "jti": f"onrtro:{session}",
        "sid": session,
        "acr": "1",
        "allowed-origins": ["http://localhost:3000"],
        "scope": "profile email",
        "email_verified": True,
        "preferred_username": f"{role}-{number}",
        "realm_access": {"roles": ["default-roles-causeway", role]},
    }


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that a process has taken, in both modes."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def called(plan: Plan) -> Figures:
    """Run one load to its end."""
    return Figures(**await loaded("benchmarks.load", asdict(plan)))


async def loaded(module: str, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Run one of our loads in a process apart; gives what it found."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate(json.dumps(plan).encode())
    if process.returncode:
        raise RuntimeError(f"{module} failed, port {plan['port']}")
    found: dict[str, Any] = json.loads(answer)
    return found


def _opens(port: int, process: "subprocess.Popen[bytes]") -> bool:
    """Wait 30 s, or until it has ended."""
    for _ in range(300):
        with suppress(OSError), socket.create_connection((HOST, port)):
            return True
        if process.poll() is not None:
            break
        time.sleep(0.1)
    return False


@contextmanager
def running(seconds: float, rounds: int, say: Callable[[str], None]) -> Iterator[EdgeBench]:
    """Run an issuer for the block."""
    with tempfile.TemporaryDirectory() as folder, serving(free_port()) as issuer:
        yield EdgeBench(issuer, read_model(load()), Path(folder), seconds, rounds, say)
