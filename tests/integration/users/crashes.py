"""Crashes at a port: the process dies right before or right after one call."""

from collections.abc import Callable
from typing import Any


class Crash(BaseException):
    """The process is gone: nothing that it would still do happens."""


class Crashing:
    """Passes calls on to `port` and notes them in `trace`; dies at `point`, "before create"."""

    def __init__(self, port: Any, trace: list[str], point: str = "") -> None:
        self._port, self._trace, self._point = port, trace, point

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            self._trace.append(name)
            if self._point == f"before {name}":
                raise Crash(self._point)
            result = await method(*arguments, **named)
            if self._point == f"after {name}":
                raise Crash(self._point)
            return result

        return call
