"""Ports first: who holds a taken one, and what moves it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from stack.errors import Code, StackError
from stack.ports import is_free, require_free
from stack.settings import load_settings, port_name

SERVER = """
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(600)
"""


@pytest.fixture
def server() -> Iterator[tuple[int, int]]:
    """(process id, port) of a program that listens."""
    command = [sys.executable, "-c", SERVER]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 (fixed)
    assert process.stdout is not None
    with process:
        yield process.pid, int(process.stdout.readline())
        process.kill()


def test_a_taken_port_is_named_with_its_holder_and_the_setting_that_moves_it(
    server: tuple[int, int],
) -> None:
    pid, port = server
    begun = time.process_time()  # others may have the processor meanwhile
    with pytest.raises(StackError) as raised:
        require_free({"kafka_1": port})
    assert time.process_time() - begun < 2
    assert raised.value.code is Code.PORT_TAKEN
    assert f"port {port} is held by process {pid} (python" in raised.value.cause
    assert "CAUSEWAY_PORT_KAFKA_1 moves it" in raised.value.cause
    assert raised.value.next_command.startswith("CAUSEWAY_PORT_KAFKA_1=")


def test_a_taken_port_of_a_replica_is_moved_by_the_setting_it_follows(
    server: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, port = server
    base = port - 1
    free = {base, base + 4, base + 5, base + 6}
    monkeypatch.setattr("stack.ports.is_free", free.__contains__)
    names = {port_name("orders_api", number): base + number - 1 for number in (1, 2)}
    with pytest.raises(StackError) as raised:
        require_free({"edge": base + 4, **names})
    assert "; CAUSEWAY_PORT_ORDERS_API moves it" in raised.value.cause
    proposed = f"CAUSEWAY_PORT_ORDERS_API={base + 5} causeway up"
    assert raised.value.next_command.startswith(proposed)


def test_the_offset_that_is_proposed_is_one_with_all_ports_free(
    server: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, port = server
    monkeypatch.setattr("stack.ports.is_free", {port + 5, port + 2000, port + 2005}.__contains__)
    with pytest.raises(StackError) as raised:
        require_free({"kafka_1": port, "edge": port + 5}, offset=7000)
    assert "CAUSEWAY_PORT_OFFSET=9000 causeway up" in raised.value.next_command


def test_a_port_in_time_wait_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)
    assert is_free(port)


def test_one_port_for_two_parts_is_refused() -> None:
    with pytest.raises(StackError, match="CAUSEWAY_PORT_EDGE and CAUSEWAY_PORT_REGISTRY"):
        require_free({"edge": 18080, "registry": 18080})


def test_the_offset_moves_every_port_that_is_not_placed_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("CAUSEWAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CAUSEWAY_PORT_OFFSET", "1000")
    monkeypatch.setenv("CAUSEWAY_PORT_KAFKA_2", "7000")
    ports = load_settings().port
    assert (ports.edge, ports.kafka_1, ports.kafka_2) == (9080, 10092, 7000)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CAUSEWAY_PORT_KAFAK_1", "9092", "CAUSEWAY_PORT_KAFAK_1: there is no such setting"),
        ("CAUSEWAY_PORT_OFFSET", "many", "CAUSEWAY_PORT_OFFSET: .*integer"),
        ("CAUSEWAY_PORT_EDGE", "70000", "CAUSEWAY_PORT_EDGE: 70000 is not a port"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(StackError, match=words):
        load_settings()
