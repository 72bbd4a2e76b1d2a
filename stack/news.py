"""What a person reads while the platform starts."""

import time
from collections.abc import Callable, Sequence

import anyio

from stack.component import Component, Node
from stack.journal import Entry
from stack.workplace import Workplace

QUIET = 10.0
"""Seconds without a line after which a start says what it waits for."""

REPEAT = 60.0
"""Seconds after which it says the same again."""

AT_WORK = ("preparing", "starting", "running")


class News:
    """Turns changes into lines, and a long silence into a line that says what is awaited."""

    def __init__(
        self,
        nodes: Sequence[Node],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._say = say
        self._clock = clock
        self._last = clock()
        self._phases: dict[str, tuple[str, float]] = {}
        self._awaited: dict[str, tuple[str, float]] = {}

    def report(self, entry: Entry, words: str) -> None:
        """Told of every change of a component or task."""
        self._phases[entry.name] = (entry.phase, self._clock())
        took = f"{entry.took:.1f} s" if entry.took is not None else ""
        if entry.phase in ("ready", "done"):
            again = f"  (start {entry.restarts + 1})" if entry.restarts else ""
            self._line(f"  {entry.phase:<6} {entry.name:<22} {took}{again}")
        elif entry.phase in ("down", "failed"):
            self._line(f"  {entry.phase:<6} {entry.name:<22} {words}")

    async def break_silence(self, place: Workplace) -> None:
        """Remind until the start is over."""
        while place.record.phase == "starting":
            await anyio.sleep(1)
            self.remind()

    def remind(self) -> None:
        """Say what is awaited after a silence; the same again only after a longer one."""
        awaited = {name: was for name, was in self._phases.items() if self._is_awaited(name)}
        patience = REPEAT if awaited == self._awaited else QUIET
        if awaited and self._clock() - self._last > patience:
            self._awaited = awaited
            self._line(f"  waiting for {', '.join(map(self._state, awaited))}")

    def _is_awaited(self, name: str) -> bool:
        """Whether it is at work, and waits for nobody else itself."""
        if name not in self._nodes or self._phases[name][0] not in AT_WORK:
            return False
        return all(self._is_up(other) for other in timed_after(self._nodes[name]))

    def _is_up(self, name: str) -> bool:
        return name in self._phases and self._phases[name][0] in ("ready", "done")

    def _state(self, name: str) -> str:
        """For example: registry (starting, 1m05s of at most 5m00s)"""
        node, (phase, _) = self._nodes[name], self._phases[name]
        since = max(self._phases[one][1] for one in (name, *timed_after(node)))
        spent = minutes(self._clock() - since)
        if phase == "preparing":
            return f"{name} (preparing its files and caches, {spent})"
        limit = node.start_timeout if isinstance(node, Component) else node.timeout
        return f"{name} ({phase}, {spent} of at most {minutes(limit)})"

    def _line(self, text: str) -> None:
        self._last = self._clock()
        self._say(text.rstrip())


def timed_after(node: Node) -> tuple[str, ...]:
    """What its time counts from, besides its own start."""
    return node.timed_after if isinstance(node, Component) else ()


def minutes(seconds: float) -> str:
    """45 -> "45s", 130 -> "2m10s"."""
    whole, rest = divmod(int(seconds), 60)
    return f"{whole}m{rest:02d}s" if whole else f"{rest}s"
