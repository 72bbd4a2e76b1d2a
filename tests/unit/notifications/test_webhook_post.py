"""Posts to real servers: where they go, over which certificate, and what an answer means."""

import asyncio
import os
import platform
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from bridge.effects.sender import Pace
from bridge.errors import CausewayError, FailedPrecondition, InvalidArgument, Unavailable
from services.notifications import webhook_names, webhook_post
from services.notifications.webhook import PACE
from services.notifications.webhook_allowed import Allowed
from services.notifications.webhook_names import ASK_ONCE, resolver
from services.notifications.webhook_post import TIMEOUT, Poster
from stack.certificates import authority, server
from tests.integration.notifications.hookserver import (
    ENDLESS,
    GARBAGE,
    HANG,
    RESET,
    HookServer,
    running,
)

LOOPBACK = Allowed(networks=((ip_network("127.0.0.1"), range(1, 65536)),))
"""Servers of tests take any free port."""
NAME = "hooks.example"


@pytest.fixture
async def hooks() -> AsyncIterator[HookServer]:
    async with running() as server:
        yield server


class Names:
    """A name server that answers as told, and counts the questions."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        if not self.answers:
            raise socket.gaierror("no such name")
        return self.answers.pop(0)


def poster(
    names: Names | None = None,
    allowed: Allowed = LOOPBACK,
    tls: ssl.SSLContext | None = None,
    timeout: float = TIMEOUT,
) -> Poster:
    context = tls or ssl.create_default_context()
    return Poster((names or Names()).resolve, allowed, context, timeout)


async def refused(error: type[CausewayError], post: Poster, uri: str) -> CausewayError:
    with pytest.raises(error) as caught:
        await post.post(uri, {"webhook-id": "e1"}, b"{}")
    return caught.value


async def test_a_post_arrives_as_it_was_given(hooks: HookServer) -> None:
    await poster().post(hooks.uri, {"webhook-id": "e1"}, b'{"a":1}')
    (post,) = hooks.posts
    assert post.line == "POST /hooks?a=b HTTP/1.1"
    assert post.body == b'{"a":1}'
    assert post.headers["webhook-id"] == "e1"
    assert post.headers["host"] == f"127.0.0.1:{hooks.port}"
    assert set(post.headers) == {"host", "user-agent", "webhook-id", "content-length"}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_success_is_one(hooks: HookServer, status: int) -> None:
    hooks.answers.append(str(status))
    await poster().post(hooks.uri, {}, b"{}")


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 409, 410, 413, 422, 451])
async def test_a_refusal_is_the_end(hooks: HookServer, status: int) -> None:
    hooks.answers.append(str(status))
    error = await refused(FailedPrecondition, poster(), hooks.uri)
    assert (error.reason, error.retriable) == (f"WEBHOOK_{status}", False)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 599])
async def test_what_may_pass_is_tried_again(hooks: HookServer, status: int) -> None:
    hooks.answers.append(str(status))
    error = await refused(Unavailable, poster(), hooks.uri)
    assert (error.reason, error.retriable) == (f"WEBHOOK_{status}", True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_is_the_end(hooks: HookServer, status: int) -> None:
    hooks.answers.append(f"{status}\nlocation: {hooks.uri}")
    error = await refused(FailedPrecondition, poster(), hooks.uri)
    assert error.reason == f"WEBHOOK_{status}"
    assert len(hooks.posts) == 1


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("120", 120, 120),
        ("0", 1, 1),
        ("-5", 1, 1),
        ("soon", 1, 1),
        ("²", 1, 1),
        ("Thu, 01 Jan 2026 00:00:00 GMT", 1, 1),
        ("Thu, 01 Jan 2026 00:00:00 -0000", 1, 1),
    ],
)
async def test_a_server_may_say_when_to_come_again(
    hooks: HookServer, value: str, least: float, most: float
) -> None:
    hooks.answers.append(f"429\nretry-after: {value}")
    error = await refused(Unavailable, poster(), hooks.uri)
    assert isinstance(error, Unavailable)
    assert least <= error.retry_after <= most


async def test_a_server_may_name_a_date(hooks: HookServer) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    hooks.answers.append(f"503\nretry-after: {date}")
    error = await refused(Unavailable, poster(), hooks.uri)
    assert isinstance(error, Unavailable)
    assert 3500 < error.retry_after <= 3600


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [(HANG, "WEBHOOK_TIMEOUT"), (RESET, "WEBHOOK_NO_ANSWER"), (GARBAGE, "WEBHOOK_NO_ANSWER")],
)
async def test_a_server_that_does_not_answer_is_tried_again(
    hooks: HookServer, misbehaviour: str, reason: str
) -> None:
    hooks.answers.append(misbehaviour)
    limit = 0.3 if misbehaviour == HANG else TIMEOUT
    assert (await refused(Unavailable, poster(timeout=limit), hooks.uri)).reason == reason


async def test_an_endless_answer_is_not_read(hooks: HookServer) -> None:
    hooks.answers.append(ENDLESS)
    await poster().post(hooks.uri, {}, b"{}")


async def test_a_closed_port_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert (await refused(Unavailable, poster(), uri)).reason == "WEBHOOK_UNREACHABLE"


async def test_without_an_exception_nothing_reaches_loopback(hooks: HookServer) -> None:
    for uri in (hooks.uri, hooks.uri.replace("http", "https")):
        error = await refused(InvalidArgument, poster(allowed=Allowed()), uri)
        assert error.reason == "WEBHOOK_ADDRESS_REFUSED"
    assert hooks.posts == []


async def test_an_exception_reaches_no_port_but_its_own(hooks: HookServer) -> None:
    async with running() as other:
        allowed = Allowed.of(f"127.0.0.1:{other.port}")
        await poster(allowed=allowed).post(other.uri, {}, b"{}")
        await refused(InvalidArgument, poster(allowed=allowed), hooks.uri)
        named = f"https://{NAME}:{hooks.port}/"
        await refused(InvalidArgument, poster(Names(["127.0.0.1"]), allowed), named)
    assert hooks.posts == []


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["1.1.1.1", "::1"], ["169.254.169.254"]])
async def test_a_name_that_leads_inside_is_connected_to_nowhere(
    hooks: HookServer, answer: list[str]
) -> None:
    names = Names(answer)
    uri = f"https://{NAME}:{hooks.port}/"
    error = await refused(InvalidArgument, poster(names, Allowed()), uri)
    assert error.reason == "WEBHOOK_ADDRESS_REFUSED"
    assert names.asked == [(NAME, hooks.port)]
    assert hooks.posts == []


async def test_an_unknown_name_is_tried_again() -> None:
    error = await refused(Unavailable, poster(), f"https://{NAME}/")
    assert error.reason == "WEBHOOK_NAME_UNKNOWN"


async def test_a_name_server_that_hangs_is_given_up() -> None:
    async def hang(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    post = Poster(hang, LOOPBACK, ssl.create_default_context(), timeout=0.2)
    assert (await refused(Unavailable, post, f"https://{NAME}/")).reason == "WEBHOOK_TIMEOUT"


async def test_a_name_is_looked_up_once_and_the_next_of_its_addresses_is_taken(
    hooks: HookServer,
) -> None:
    # The first refuses connections, and so would a second answer, which nobody asks for.
    names = Names(["127.0.0.2", "127.0.0.1"], ["127.0.0.3"])
    allowed = Allowed.of(f"{NAME}:{hooks.port}")
    await poster(names, allowed).post(f"http://{NAME}:{hooks.port}/", {}, b"{}")
    assert names.asked == [(NAME, hooks.port)]
    assert hooks.posts[0].headers["host"] == f"{NAME}:{hooks.port}"


async def test_nothing_is_taken_from_the_environment(
    hooks: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await poster().post(hooks.uri, {}, b"{}")
    assert len(hooks.posts) == 1


@pytest.mark.parametrize("named", [NAME, "other.example"])
async def test_the_certificate_must_be_for_the_name_whatever_the_address(
    tmp_path: Path, named: str
) -> None:
    now = datetime.now(UTC)
    signer = authority([named], now)
    pair = server(signer, [named], now)
    (tmp_path / "both.pem").write_text(pair.certificate_pem + pair.key_pem)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "both.pem")
    async with running(served) as hooks:
        served.sni_callback = lambda _socket, name, _context: setattr(hooks, "server_name", name)
        trusting = ssl.create_default_context(cadata=signer.certificate_pem)
        post = poster(Names(["127.0.0.1"]), LOOPBACK, trusting)
        uri = f"https://{NAME}:{hooks.port}/"
        if named == NAME:
            await post.post(uri, {}, b"{}")
            assert [got.server_name for got in hooks.posts] == [NAME]
        else:
            assert (await refused(Unavailable, post, uri)).reason == "WEBHOOK_UNREACHABLE"
            assert hooks.posts == []


async def test_the_systems_resolver_gives_addresses_and_raises_for_none() -> None:
    with ThreadPoolExecutor(1) as threads:
        resolve = resolver(threads)
        assert "127.0.0.1" in await resolve("127.0.0.1", 80)
        with pytest.raises(OSError):
            await resolve("no-such-name.invalid", 80)


async def test_names_that_hang_in_all_places_leave_threads_for_others(
    hooks: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post that is given up frees its place, but not the thread that still asks."""
    answered = threading.Event()

    def look_up(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, object]]:
        if host != NAME:
            answered.wait(60)
            raise socket.gaierror("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    system = SimpleNamespace(getaddrinfo=look_up, SOCK_STREAM=socket.SOCK_STREAM)
    monkeypatch.setattr(webhook_names, "socket", system)
    post = webhook_post.poster(Allowed.of(f"{NAME}:{hooks.port}"))
    async with asyncio.TaskGroup() as group:
        for number in range(PACE.at_once):
            uri = f"https://slow{number}.example/"
            group.create_task(refused(Unavailable, post, uri))
        await asyncio.sleep(0)  # they ask first
        try:
            await post.post(f"http://{NAME}:{hooks.port}/", {}, b"{}")
        finally:
            answered.set()
    assert len(hooks.posts) == 1


LOOKED_UP = """
import asyncio, ctypes, os, socket
from services.notifications.bootstrap import worker
try:
    asyncio.run(worker())
except Exception as error:
    assert type(error).__name__ == "ValidationError", error  # nothing is set: it ends at once
try:
    socket.getaddrinfo("localhost", 80)
finally:
    library = ctypes.CDLL(None)
    library.__res_state.restype = ctypes.POINTER(ctypes.c_int)
    state = library.__res_state()  # begins with the seconds and the number of attempts
    print(os.environ["RES_OPTIONS"], state[0], state[1])
"""


@pytest.mark.programs
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="RES_OPTIONS are glibc's")
@pytest.mark.parametrize(
    ("given", "said"), [({}, f"{ASK_ONCE} 1 1"), ({"RES_OPTIONS": "timeout:3"}, "timeout:3 3")]
)
def test_the_worker_has_glibc_ask_a_name_server_once(given: dict[str, str], said: str) -> None:
    clean = {
        name: value
        for name, value in os.environ.items()
        if name != "RES_OPTIONS" and not name.startswith("CAUSEWAY_")
    }
    command = [sys.executable, "-c", LOOKED_UP]
    ended = subprocess.run(  # noqa: S603 (fixed)
        command, env=clean | given, capture_output=True, text=True, check=False
    )
    assert ended.stdout.startswith(said), ended.stderr


def test_a_try_ends_before_its_delivery_does() -> None:
    assert Pace().attempt > TIMEOUT
    assert httpx.create_ssl_context().verify_mode is ssl.CERT_REQUIRED
