"""Why an event could not be handled, in words that hold nothing of the event.

Neither messages nor values: both may be personal. What is left is where it happened.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, TracebackType
from typing import NamedTuple

from bridge.middleware.retry import retriable
from bridge.outages import reason_of

DIGEST_CHARACTERS = 12


class Frame(NamedTuple):
    """One place in the code."""

    module: str
    function: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.function}:{self.line}"

    @property
    def package(self) -> str:
        """The top package."""
        return self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Failure:
    """What is kept of an error."""

    reason: str
    """The error's own (UPPER_SNAKE), or its class."""
    retriable: bool
    stack_digest: str
    """`digest Class at module:function:line`: equal for equal stacks; the place is the innermost
    of the handler's own package, where there is one."""


def failure_of(error: Exception, packages: frozenset[str]) -> Failure:
    """Describe an error; `packages` are the top packages of the group's handlers."""
    frames = _beyond_the_bridge(list(_frames(error.__traceback__)))
    said = hashlib.sha256("\n".join([type(error).__qualname__, *map(str, frames)]).encode())
    ours = [frame for frame in frames if frame.package in packages]
    place = (ours or frames or [Frame("?", "?", 0)])[-1]
    return Failure(
        reason_of(error),
        retriable(error),
        f"{said.hexdigest()[:DIGEST_CHARACTERS]} {type(error).__name__} at {place}",
    )


def _frames(trace: TracebackType | None) -> Iterator[Frame]:
    """List the places from the outermost to the one that raised."""
    while trace is not None:
        code: CodeType = trace.tb_frame.f_code
        module = str(trace.tb_frame.f_globals.get("__name__", "?"))
        yield Frame(module, code.co_name, trace.tb_lineno)
        trace = trace.tb_next


def _beyond_the_bridge(frames: list[Frame]) -> list[Frame]:
    """Leave out how the bridge came to call the handler: live and redrive differ in that alone."""
    for at, frame in enumerate(frames):
        if frame.package not in ("bridge", "asyncio", "contextlib"):
            return frames[at:]
    return frames[-1:]
