"""What runs inside the containers: forwarding, health checks, passwords, steps."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import aio as aio_health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from stack.components.kafka_broker import free_ports
from stack.containers import health, provision, secrets
from stack.containers.forward import forwarding, parse
from stack.credentials import NAMES
from stack.errors import StackError
from stack.settings import load_settings
from tests.contract import compose

LARGE = b"x" * 3_000_000


async def test_a_forwarded_connection_carries_all_bytes_both_ways_and_its_end() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())  # until the caller's end
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    there = server.sockets[0].getsockname()[1]
    [here] = free_ports(1)
    async with server, forwarding({here: ("127.0.0.1", there)}):
        reader, writer = await asyncio.open_connection("127.0.0.1", here)
        writer.write(LARGE)
        writer.write_eof()
        assert await reader.read() == LARGE
        writer.close()


async def test_a_part_that_is_away_looks_like_a_connection_that_ends() -> None:
    here, nowhere = free_ports(2)
    async with forwarding({here: ("127.0.0.1", nowhere)}):
        reader, writer = await asyncio.open_connection("127.0.0.1", here)
        assert await reader.read() == b""
        writer.close()


async def test_forwarding_ends_with_its_block() -> None:
    here, nowhere = free_ports(2)
    async with forwarding({here: ("127.0.0.1", nowhere)}):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", here), timeout=1)


async def test_a_connection_that_is_left_open_is_cut_in_silence(
    capfd: pytest.CaptureFixture[str],
) -> None:
    reached = asyncio.Event()

    async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        with suppress(ConnectionResetError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(idle, "127.0.0.1", 0)
    [here] = free_ports(1)
    async with server:
        async with forwarding({here: server.sockets[0].getsockname()[:2]}):
            reader, writer = await asyncio.open_connection("127.0.0.1", here)
            await reached.wait()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
    assert capfd.readouterr().err == ""


def test_routes_are_read_with_and_without_spaces() -> None:
    wanted = {5432: ("postgres", 5432), 8180: ("keycloak", 8080)}
    assert parse("5432=postgres:5432, 8180=keycloak:8080,") == wanted


@pytest.fixture
async def server() -> AsyncIterator[tuple[int, aio_health.HealthServicer]]:
    servicer = aio_health.HealthServicer()
    running = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, running)
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    yield port, servicer
    await running.stop(None)


async def test_a_server_is_healthy_only_while_it_serves(
    server: tuple[int, aio_health.HealthServicer],
) -> None:
    port, servicer = server
    ask = ["grpc", str(port)]
    await servicer.set("", HealthCheckResponse.SERVING)
    assert await asyncio.to_thread(health.main, ask) == 0
    await servicer.set("", HealthCheckResponse.NOT_SERVING)
    assert await asyncio.to_thread(health.main, ask) == 1


def test_nobody_listening_is_not_healthy() -> None:
    smtp, http = free_ports(2)
    assert health.main(["grpc", str(smtp)]) == 1
    assert health.main(["mailbox", str(smtp), str(http)]) == 1
    assert health.main([]) == 2


async def test_the_mailbox_is_healthy_while_it_runs(tmp_path: Path) -> None:
    smtp, http = free_ports(2)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stack.mailbox", "--directory", str(tmp_path)),
        *("--smtp", f"127.0.0.1:{smtp}", "--http", f"127.0.0.1:{http}"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    ask = ["mailbox", str(smtp), str(http)]
    assert await asyncio.to_thread(health.main, ask) == 0
    process.terminate()
    await process.wait()
    assert await asyncio.to_thread(health.main, ask) == 1


def test_each_password_has_a_variable_of_its_own_and_all_are_needed() -> None:
    given = {secrets.variable(name): f"password of {name}" for name in NAMES}
    assert len(given) == len(NAMES)
    found = secrets.credentials(given)
    assert all(found[name] == f"password of {name}" for name in NAMES)
    with pytest.raises(StackError, match="CAUSEWAY_SECRET_KAFKA_ADMIN"):
        secrets.credentials(given | {"CAUSEWAY_SECRET_KAFKA_ADMIN": ""})


def test_the_steps_of_the_file_are_found_and_others_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in NAMES:
        monkeypatch.setenv(secrets.variable(name), "secret")
    names = list(compose.tasks())
    settings = load_settings(state=tmp_path)
    assert [task.name for task in provision.chosen(names, settings)] == names
    for wrong in ([], ["databases", "nonsense"]):
        with pytest.raises(StackError, match="no such step"):
            provision.chosen(wrong, settings)
