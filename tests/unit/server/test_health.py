"""Health says what the probes say, and nothing else once the process drains."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2

from bridge.server.health import NOT_SERVING, SERVING, Health
from tests.unit.server.conftest import Client

SERVICE = "causeway.orders.v1.OrderService"


class Part:
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs = False

    async def probe(self) -> None:
        if self.hangs:
            await asyncio.sleep(60)
        if self.error:
            raise self.error


async def status(health: Health, name: str = SERVICE) -> int:
    answer = await health.servicer.Check(health_pb2.HealthCheckRequest(service=name), None)
    return int(answer.status)


@pytest.fixture
def part() -> Part:
    return Part()


async def test_it_serves_while_every_probe_succeeds(part: Part) -> None:
    health = Health([SERVICE], {"part": part.probe})
    await health.begin()
    assert await status(health) == await status(health, "") == NOT_SERVING
    await health.probe()
    assert await status(health) == await status(health, "") == SERVING
    part.error = ConnectionError("away")
    await health.probe()
    assert await status(health) == await status(health, "") == NOT_SERVING
    part.error = None
    await health.probe()
    assert await status(health) == SERVING


async def test_a_probe_that_hangs_is_a_probe_that_fails(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.server.health.PROBE_TIMEOUT", 0.01)
    part.hangs = True
    health = Health([SERVICE], {"part": part.probe})
    await health.probe()
    assert await status(health) == NOT_SERVING


async def test_a_draining_process_never_says_that_it_serves(part: Part) -> None:
    health = Health([SERVICE], {"part": part.probe})
    await health.probe()
    await health.drain()
    assert await status(health) == NOT_SERVING
    part.error = ConnectionError()
    await health.probe()
    part.error = None
    await health.probe()
    assert await status(health) == NOT_SERVING


async def test_a_service_that_is_not_here_is_not_found(client: Client) -> None:
    request = health_pb2.HealthCheckRequest(service="somebody.else")
    refusal = await client.refused("/grpc.health.v1.Health/Check", request)
    assert refusal.code is grpc.StatusCode.NOT_FOUND
