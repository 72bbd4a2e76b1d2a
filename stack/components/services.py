"""The processes of the services and of the bridge, as many replicas as chosen."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio

from stack.choices import Choices
from stack.component import Component
from stack.credentials import SERVICES, Credentials
from stack.environment import service_environment
from stack.settings import Settings, port_name

DESCRIPTORS = Path(__file__).parents[2] / "protos" / "causeway" / "descriptors.binpb"


def services(settings: Settings, credentials: Credentials, choices: Choices) -> list[Component]:
    """orders-api-1, orders-worker-1, …, bridge-worker-1: api before worker, replica by replica."""
    return [
        process(settings, credentials, service, kind, number)
        for service in SERVICES
        for kind in ("api", "worker")
        for number in range(1, choices.replicas(service) + 1)
    ]


def api_ports(settings: Settings, choices: Choices, service: str) -> Iterator[int]:
    """Where the api replicas of a service listen, for the edge."""
    base = int(getattr(settings.port, f"{service}_api"))
    return (base + n for n in range(choices.replicas(service)))


def process(
    settings: Settings, credentials: Credentials, service: str, kind: str, number: int
) -> Component:
    """One process: `kind` is "api" or "worker", `number` counts from 1."""
    port = int(getattr(settings.port, f"{service}_{kind}")) + number - 1
    module = "bridge.api" if service == "bridge" else f"services.{service}"
    environment = service_environment(settings, credentials, service, kind, f"127.0.0.1:{port}")
    if (service, kind) == ("bridge", "api"):
        environment["CAUSEWAY_DESCRIPTORS"] = str(DESCRIPTORS)

    async def ready() -> None:
        await _serving(port)

    return Component(
        name=f"{service}-{kind}-{number}",
        command=(sys.executable, "-m", module, kind),
        environment=environment | _tracing() | {"PYTHONUNBUFFERED": "1"},
        after=(*_migrations(service, kind), "topics", "schemas"),
        ready=ready,
        ports={port_name(f"{service}_{kind}", number): port},
        start_timeout=300.0,
        # It starts beside Keycloak, but is ready only with the realm's keys.
        timed_after=("realm",),
        stop_timeout=15.0,
    )


def _migrations(service: str, kind: str) -> Iterator[str]:
    """What makes the tables that a process asks: the bridge's API asks those of all."""
    names = SERVICES if (service, kind) == ("bridge", "api") else (service,)
    return (f"migrations-{name}" for name in names)


def _tracing() -> dict[str, str]:
    """The standard variables of OpenTelemetry, and our one switch beside them, as they are."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("OTEL_") or name == "CAUSEWAY_TRACE_KAFKA"
    }


async def _serving(port: int) -> None:
    # A refused connection is told cheaply, before a channel is made for the real question.
    with anyio.fail_after(1):
        await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
    import grpc.aio
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=1
        )
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        state = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        raise ConnectionError(f"its health is {state}")
