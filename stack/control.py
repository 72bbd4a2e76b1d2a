"""How a command asks the running `up` to change something: one line of JSON on a Unix socket.

::

    → {"command": "restart", "service": "orders", …}
    ← {"say": "orders-api-1 is ready"}          as often as there is something to say
    ← {"done": true}   or   {"code": "START_FAILED", "cause": …, "next_command": …, "detail": …}

One change at a time. A caller that leaves does not stop the change.
"""

import json
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream

from stack.errors import Code, StackError

FOLDER = "control"
LONGEST = 100
"""Bytes of a socket's path; Linux takes 107, macOS 103."""
LINE = 64 * 1024
UNREAD = 5.0
"""Seconds after a change for a caller to read what was said; the next change waits no longer."""

Say = Callable[[str], None]
Command = Callable[[Mapping[str, Any], Say], Awaitable[None]]


def socket_of(state: Path) -> Path:
    """Where the supervisor of a state directory listens."""
    return state / FOLDER / "socket"


async def serve(state: Path, commands: Mapping[str, Command]) -> None:
    """Answer until cancelled. Does nothing where the path is too long: `ask` says so."""
    path = socket_of(state)
    if len(os.fsencode(path)) > LONGEST:
        return
    # For the user alone: whoever may connect may restart services.
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = await anyio.create_unix_listener(path)
    desk = _Desk(commands)
    async with listener:
        await listener.serve(desk.attend)


class _Desk:
    """Takes one order after the other."""

    def __init__(self, commands: Mapping[str, Command]) -> None:
        self._commands = commands
        self._busy = anyio.Lock()

    async def attend(self, stream: ByteStream) -> None:
        async with stream:
            answer = await self._carry_out(stream)
            with suppress(anyio.BrokenResourceError):
                await stream.send(_line(answer))

    async def _carry_out(self, stream: ByteStream) -> Mapping[str, Any]:
        try:
            return await self._do(await self._order(stream), stream)
        except StackError as error:
            return _failure(error)
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            return _failure(StackError(Code.UNEXPECTED, words, "causeway status"))

    async def _order(self, stream: ByteStream) -> dict[str, Any]:
        """Read the one line. StackError CHANGE_FAILED says what is wrong with it."""
        try:
            line = await BufferedByteReceiveStream(stream).receive_until(b"\n", LINE)
        except anyio.DelimiterNotFound:
            raise self._unreadable(f"its line is longer than {LINE} bytes") from None
        except (anyio.IncompleteRead, anyio.EndOfStream):
            raise self._unreadable("its line does not end") from None
        try:
            order = json.loads(line)
        except (ValueError, RecursionError):
            raise self._unreadable("it is no JSON") from None
        command = order.get("command") if isinstance(order, dict) else None
        if not isinstance(command, str):
            raise self._unreadable("it is no object that names a command")
        if command not in self._commands:
            raise self._unreadable(f"there is no command {command!r}")
        return dict(order)

    def _unreadable(self, cause: str) -> StackError:
        known = ", ".join(sorted(self._commands))
        text = f'the order was not understood: {cause}; send {{"command": …}} with one of {known}'
        return StackError(Code.CHANGE_FAILED, text, "causeway --help")

    async def _do(self, order: Mapping[str, Any], stream: ByteStream) -> Mapping[str, Any]:
        try:
            self._busy.acquire_nowait()
        except anyio.WouldBlock:
            raise StackError(
                Code.CHANGE_FAILED, "another change is under way", "causeway status"
            ) from None
        try:
            await self._spoken(order, stream)
        finally:
            self._busy.release()
        return {"done": True}

    async def _spoken(self, order: Mapping[str, Any], stream: ByteStream) -> None:
        """Carry it out, while what it says is sent on; a caller who does not read stops nothing."""
        lines, reader = anyio.create_memory_object_stream[str](math.inf)
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_pass_on, reader, stream)
            with lines:
                try:
                    await self._commands[order["command"]](order, lines.send_nowait)
                except Exception as error:  # the group would wrap it
                    failure = error
            tasks.cancel_scope.deadline = anyio.current_time() + UNREAD
        if failure is not None:
            raise failure


async def _pass_on(lines: Any, stream: ByteStream) -> None:
    async with lines:
        async for text in lines:
            with suppress(anyio.BrokenResourceError):
                await stream.send(_line({"say": text}))


async def ask(state: Path, order: Mapping[str, Any], say: Say) -> None:
    """Have the running `up` carry out an order. Raises the StackError that it met there."""
    path = socket_of(state)
    try:
        stream = await anyio.connect_unix(path)
    except OSError as error:
        raise _unreachable(path, error) from None
    async with stream:
        await stream.send(_line(order))
        lines = BufferedByteReceiveStream(stream)
        while True:
            answer = await _next(lines)
            if "say" not in answer:
                break
            say(answer["say"])
    if "code" in answer:
        code = Code(answer["code"])
        raise StackError(code, answer["cause"], answer["next_command"], detail=answer["detail"])


async def _next(lines: BufferedByteReceiveStream) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(await lines.receive_until(b"\n", LINE))
    except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
        raise StackError(
            Code.NOT_RUNNING, "the platform ended meanwhile", "causeway up --detach"
        ) from None
    return found


def _unreachable(path: Path, error: OSError) -> StackError:
    long = len(os.fsencode(path)) > LONGEST
    cause = "its path is too long: use a shorter CAUSEWAY_STATE" if long else error.strerror
    return StackError(
        Code.NOT_RUNNING, f"the running `up` can't be asked at {path}: {cause}", "causeway status"
    )


def _failure(error: StackError) -> dict[str, str]:
    return {
        "code": error.code,
        "cause": error.cause,
        "next_command": error.next_command,
        "detail": error.detail,
    }


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"
