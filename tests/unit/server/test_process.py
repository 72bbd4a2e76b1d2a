"""A whole process: signals, exit codes, what it logs, and what it imports."""

import asyncio
import json
import os
import signal
import sys
import textwrap
from typing import Any

import pytest

from tests.unit.server.conftest import Issuer, connect

pytestmark = pytest.mark.programs
SERVE = """
    import sys, asyncio
    from bridge.server.process import run
    from bridge.server.serve import serve
    from bridge.server.settings import ServerSettings
    async def main():
        await serve({listen!r}, {{}}, ServerSettings(), background={background})
    sys.exit(run("test", main))
"""


async def spawn(code: str, **environment: str) -> asyncio.subprocess.Process:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(code), env=kept | environment,
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def environment(issuer: Issuer) -> dict[str, str]:
    return {
        "CAUSEWAY_ISSUER": "http://127.0.0.1/realms/causeway",
        "CAUSEWAY_JWKS": issuer.url,
        "CAUSEWAY_CLIENTS": "causeway-cli, orders",
        "CAUSEWAY_SIGNING_KEY": "a-key-that-must-not-be-seen",
    }


async def line(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    assert process.stderr
    while raw := await process.stderr.readline():
        found: dict[str, Any] = json.loads(raw)
        if found["event"] == event:
            return found
    raise AssertionError(f"no {event}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order(
    environment: dict[str, str], number: signal.Signals
) -> None:
    process = await spawn(SERVE.format(listen="127.0.0.1:0", background=[]), **environment)
    started = await line(process, "server.started")
    async with connect(started["port"]) as channel:
        await channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
    process.send_signal(number)
    _, rest = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    events = [json.loads(one)["event"] for one in rest.splitlines()]
    assert events[-2:] == ["server.draining", "server.stopped"]
    assert b"must-not-be-seen" not in rest


async def test_a_background_task_that_fails_ends_the_process(environment: dict[str, str]) -> None:
    code = """
        async def boom(stop):
            raise RuntimeError("password=hunter2 for alice@example.org")
    """
    serve = SERVE.format(listen="127.0.0.1:0", background="[boom]")
    process = await spawn(textwrap.dedent(code) + textwrap.dedent(serve), **environment)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert b"background.failed" in errors
    assert b"hunter2" not in errors
    assert b"alice@" not in errors


async def test_a_background_task_that_ends_early_ends_the_process(
    environment: dict[str, str],
) -> None:
    code = "async def done(stop):\n    return\n"
    serve = textwrap.dedent(SERVE.format(listen="127.0.0.1:0", background="[done]"))
    process = await spawn(code + serve, **environment)
    await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1


async def test_a_taken_port_ends_the_process_and_is_not_shared(environment: dict[str, str]) -> None:
    first = await spawn(SERVE.format(listen="127.0.0.1:0", background=[]), **environment)
    taken = (await line(first, "server.started"))["port"]
    second = await spawn(SERVE.format(listen=f"127.0.0.1:{taken}", background=[]), **environment)
    _, errors = await asyncio.wait_for(second.communicate(), 20)
    assert second.returncode == 1
    assert str(taken).encode() in errors
    first.terminate()
    await first.communicate()


async def test_a_missing_setting_is_named(environment: dict[str, str]) -> None:
    del environment["CAUSEWAY_ISSUER"]
    process = await spawn(SERVE.format(listen="127.0.0.1:0", background=[]), **environment)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert b"issuer" in errors
    assert b"must-not-be-seen" not in errors


async def test_nothing_of_opentelemetry_is_imported_while_traces_are_off() -> None:
    code = """
        import sys
        from bridge import telemetry
        import bridge.server.process, bridge.server.serve, bridge.api.operations
        telemetry.start("x")
        with telemetry.span("a", parent="00-" + "a"*32 + "-" + "b"*16 + "-01"):
            with telemetry.span("b"):
                print(telemetry.traceparent())
        print(telemetry.server_interceptors(), telemetry.client_interceptors())
        print(sorted(m for m in sys.modules if m.startswith("opentelemetry")))
    """
    process = await spawn(code)
    out, _ = await process.communicate()
    assert out.decode().splitlines() == [f"00-{'a' * 32}-{'b' * 16}-01", "[] []", "[]"]


async def test_a_process_that_a_service_does_not_have_is_wrong_usage() -> None:
    for arguments in ([], ["relay"], ["api", "worker"]):
        code = (
            f"import sys; from bridge.server.process import main; sys.exit(main('p', {arguments}))"
        )
        process = await spawn(code)
        _, errors = await process.communicate()
        assert process.returncode == 2
        assert errors == b"usage: python -m p api|worker\n"
