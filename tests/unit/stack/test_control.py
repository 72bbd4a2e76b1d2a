"""How a command asks the running `up` for a change."""

import json
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from stack import control
from stack.control import Command, Say, ask, serve, socket_of
from stack.errors import Code, StackError


@pytest.fixture
def state() -> Iterator[Path]:
    with TemporaryDirectory(prefix="causeway-") as folder:  # a socket's path has to be short
        yield Path(folder)


async def listening(state: Path) -> bool:
    """Whether it can be asked; its file is there a moment before."""
    try:
        stream = await anyio.connect_unix(socket_of(state))
    except OSError:
        return False
    await stream.aclose()
    return True


@asynccontextmanager
async def serving(state: Path, **commands: Command) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, state, commands)
        while not await listening(state):  # noqa: ASYNC110 (nothing tells when it is)
            await anyio.sleep(0.01)
        yield
        tasks.cancel_scope.cancel()


async def _greet(order: Mapping[str, Any], say: Say) -> None:
    say(f"hello {order['name']}")
    await anyio.sleep(0.02)
    say("bye")


async def _fail(order: Mapping[str, Any], say: Say) -> None:
    raise StackError(Code.START_FAILED, "it ended", "causeway logs x", detail="its last words")


async def test_what_is_said_arrives_and_the_end_too(state: Path) -> None:
    said: list[str] = []
    async with serving(state, greet=_greet):
        await ask(state, {"command": "greet", "name": "ada"}, said.append)
    assert said == ["hello ada", "bye"]


async def test_an_error_arrives_as_it_was_raised_and_the_next_order_is_taken(state: Path) -> None:
    async with serving(state, fail=_fail, greet=_greet):
        with pytest.raises(StackError) as caught:
            await ask(state, {"command": "fail"}, print)
        await ask(state, {"command": "greet", "name": "ada"}, print)
    found = caught.value
    assert (found.code, found.cause, found.detail) == (
        Code.START_FAILED,
        "it ended",
        "its last words",
    )


async def test_an_error_that_nobody_foresaw_is_told_and_ends_nothing(state: Path) -> None:
    async with serving(state, greet=_greet):
        with pytest.raises(StackError) as caught:
            await ask(state, {"command": "greet"}, print)  # without the name that it needs
        await ask(state, {"command": "greet", "name": "ada"}, print)
    assert caught.value.code is Code.UNEXPECTED


MALFORMED = {
    "nothing": (b"", "its line does not end"),
    "half a line": (b'{"command": "gre', "its line does not end"),
    "no text": (b"\xff\xfe\n", "it is no JSON"),
    "no JSON": (b"greet\n", "it is no JSON"),
    "a depth that nobody reads": (b"[" * 50_000 + b"\n", "it is no JSON"),
    "a list": (b'["greet"]\n', "it is no object that names a command"),
    "no command": (b"{}\n", "it is no object that names a command"),
    "a command that is no word": (b'{"command": ["greet"]}\n', "no object that names a command"),
    "an unknown command": (b'{"command": "unheard"}\n', "there is no command 'unheard'"),
    "a line without end": (b"x" * control.LINE, "longer than 65536 bytes"),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_an_order_that_can_not_be_read_is_told_what_is_wrong_with_it(
    state: Path, case: str
) -> None:
    line, cause = MALFORMED[case]
    async with serving(state, greet=_greet):
        async with await anyio.connect_unix(socket_of(state)) as stream:
            await stream.send(line)
            await stream.send_eof()
            answer = json.loads(await BufferedByteReceiveStream(stream).receive_until(b"\n", 4096))
        await ask(state, {"command": "greet", "name": "ada"}, print)
    assert answer["code"] == Code.CHANGE_FAILED
    assert cause in answer["cause"]
    assert answer["cause"].endswith('send {"command": …} with one of greet')


async def test_one_change_at_a_time(state: Path) -> None:
    begun, go_on = anyio.Event(), anyio.Event()

    async def slow(order: Mapping[str, Any], say: Say) -> None:
        begun.set()
        await go_on.wait()

    async with serving(state, slow=slow), anyio.create_task_group() as tasks:
        tasks.start_soon(ask, state, {"command": "slow"}, print)
        await begun.wait()
        with pytest.raises(StackError, match="another change is under way"):
            await ask(state, {"command": "slow"}, print)
        go_on.set()


async def test_a_caller_who_leaves_does_not_stop_the_change(state: Path) -> None:
    done = anyio.Event()

    async def slow(order: Mapping[str, Any], say: Say) -> None:
        for number in range(20):
            say(str(number))
            await anyio.sleep(0.01)
        done.set()

    async with serving(state, slow=slow):
        with anyio.move_on_after(0.05):
            await ask(state, {"command": "slow"}, print)
        with anyio.fail_after(5):
            await done.wait()


async def test_a_caller_who_does_not_read_stops_neither_this_change_nor_the_next(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "UNREAD", 0.1)
    done = anyio.Event()

    async def wordy(order: Mapping[str, Any], say: Say) -> None:
        for _ in range(2000):
            say("x" * 1000)
        done.set()

    async with (
        serving(state, wordy=wordy, greet=_greet),
        await anyio.connect_unix(socket_of(state)) as stream,
    ):
        await stream.send(b'{"command": "wordy"}\n')
        with anyio.fail_after(5):
            await done.wait()
        await anyio.sleep(0.3)
        await ask(state, {"command": "greet", "name": "ada"}, print)


async def test_only_the_user_may_ask(state: Path) -> None:
    async with serving(state, greet=_greet):
        assert stat.S_IMODE(socket_of(state).parent.stat().st_mode) == 0o700


async def test_where_nobody_serves_it_says_so(state: Path) -> None:
    with pytest.raises(StackError) as caught:
        await ask(state, {"command": "greet"}, print)
    assert caught.value.code is Code.NOT_RUNNING


async def test_a_path_that_is_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    await serve(deep, {"greet": _greet})  # the platform runs without
    with pytest.raises(StackError, match="shorter CAUSEWAY_STATE"):
        await ask(deep, {"command": "greet"}, print)
