"""What the supervisor runs: long-lived components and one-shot tasks.

Both are plain values. They say how a thing is started, awaited and stopped; the
supervisor decides when, and nothing here starts anything.
"""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Probe: TypeAlias = Callable[[], Awaitable[None]]
"""Asks a component in its real protocol. Returns when it is ready, raises when it is not;
the text of the exception is what a person reads as the reason. Called again every 50 ms
until it returns, and later by `causeway status`, so it must open and close what it uses and
be quick to give up (about 1 s)."""

Action: TypeAlias = Callable[[], Awaitable[None]]
"""A step that runs inside the supervisor's process. Must be safe to repeat."""


@dataclass(frozen=True, slots=True)
class Component:
    """A child process that is to stay up until the platform stops.

    `name`           unique; names the log `<state>/logs/<name>.log`.
    `command`        argv; the program as an absolute path. Its last process must be the
                     component itself (use `exec` in a shell), because signals go to it.
    `environment`    the whole environment of the process, but for PATH, HOME, LANG, TMPDIR
                     and the like, which the supervisor adds. Each gets only its own secrets.
    `after`          names of components (ready) and tasks (done) that it waits for.
    `ready`          see `Probe`.
    `prepare`        runs before the first start: data directories, configuration files.
    `ports`          setting -> port, e.g. {"kafka_1": 9092}; CAUSEWAY_PORT_KAFKA_1 moves it.
    `stop_signal`    asks it to end; `stop_timeout` seconds later it is killed.
    `start_timeout`  seconds from the start of the process until `ready` must have returned.
    `timed_after`    names that it starts beside, but can't be ready without: `start_timeout`
                     counts anew until they are ready or done too.
    `directory`      its working directory; the state directory when None.
    """

    name: str
    command: tuple[str, ...]
    ready: Probe
    environment: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    prepare: Action | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 10.0
    start_timeout: float = 60.0
    timed_after: tuple[str, ...] = ()
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A one-shot step in the start of the platform, run in the supervisor's own process.

    `run` is repeated at every start and must leave what is already there as it is.
    A task that raises, or takes longer than `timeout` seconds, fails the start.
    """

    name: str
    run: Action
    after: tuple[str, ...] = ()
    timeout: float = 180.0


Node: TypeAlias = Component | Task
