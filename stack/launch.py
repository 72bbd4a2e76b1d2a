"""`up`, from the free ports to the stop."""

import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from stack.artifacts import Artifacts
from stack.choices import Choices
from stack.control import serve
from stack.failures import first_cause
from stack.guardlink import GuardLink
from stack.journal import Entry
from stack.platform import Platform
from stack.ports import require_free
from stack.settings import Settings
from stack.signals import obey
from stack.state import opened
from stack.supervisor import Supervisor
from stack.workplace import Workplace

Say = Callable[[str], None]

QUIET = 10.0
"""Seconds without a line after which a start says what it waits for."""


async def launch(
    settings: Settings,
    choices: Choices,
    *,
    offline: bool,
    say: Say,
    when_ready: Callable[[Platform, float], None],
) -> None:
    """Run the platform until a signal. Raises StackError; nothing runs any more by then."""
    begun = time.monotonic()
    with opened(settings.state):
        platform = Platform(settings, choices, Artifacts(settings.cache))
        place = _recorded(platform)
        try:
            require_free(platform.ports)
            _log_to(settings.logs / "supervisor.log")
            say(f"starting {len(platform.components)} processes; logs in {settings.logs}")
            await platform.fetch(offline=offline)
            place.enter("starting")
            await _supervise(platform, place, say, lambda: when_ready(platform, begun))
        finally:
            place.enter("stopped")


def _recorded(platform: Platform) -> Workplace:
    """The journal, begun before the long fetch, so that `down` and a second `up` see this one."""
    settings, choices = platform.settings, platform.choices
    place = Workplace(
        settings.state,
        platform.nodes,
        ports=settings.port.model_dump(),
        choices={
            "scale": dict(choices.scale),
            "only": list(choices.only),
            "collector": choices.collector,
            "origins": list(settings.origins),
        },
    )
    place.enter("fetching")
    return place


def _log_to(file: Path) -> None:
    """Send what libraries log, in-process, to a file: the terminal is for a person."""
    logging.basicConfig(
        filename=file, level=logging.WARNING, format="%(asctime)s %(message)s", force=True
    )


async def _supervise(
    platform: Platform, place: Workplace, say: Say, when_ready: Callable[[], None]
) -> None:
    guard = GuardLink(platform.settings.logs / "guard.log")
    news = _News(say)
    supervisor = Supervisor(platform.nodes, place, guard, news.report)
    stop = anyio.Event()
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(obey, stop, supervisor.hurry, say)
            tasks.start_soon(news.break_silence, place)
            await supervisor.run(stop, when_ready, _desk(platform, place, supervisor))
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as failures:
        raise first_cause(failures) from None
    finally:
        guard.close()


def _desk(
    platform: Platform, place: Workplace, supervisor: Supervisor
) -> Callable[[], Coroutine[Any, Any, None]]:
    """What other commands may ask of this `up`."""
    from stack.live.replicas import Replicas

    replicas = Replicas(
        platform.settings, platform.credentials, platform.choices, supervisor, place
    )
    commands = {"restart": replicas.restart, "scale": replicas.scale}
    return partial(serve, platform.settings.state, commands)


class _News:
    """Turns changes into lines, and a long silence into a line that says what is awaited."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._last = time.monotonic()

    def report(self, entry: Entry, words: str) -> None:
        took = f"{entry.took:.1f} s" if entry.took is not None else ""
        if entry.phase in ("ready", "done"):
            again = f"  (start {entry.restarts + 1})" if entry.restarts else ""
            self._line(f"  {entry.phase:<6} {entry.name:<22} {took}{again}")
        elif entry.phase in ("down", "failed"):
            self._line(f"  {entry.phase:<6} {entry.name:<22} {words}")

    async def break_silence(self, place: Workplace) -> None:
        while place.record.phase == "starting":
            await anyio.sleep(1)
            at_work = [
                f"{entry.name} ({entry.phase})"
                for entry in place.record.entries.values()
                if entry.phase in ("preparing", "starting", "running")
            ]
            if at_work and time.monotonic() - self._last > QUIET:
                self._line(f"  waiting for {', '.join(at_work)}")

    def _line(self, text: str) -> None:
        self._last = time.monotonic()
        self._say(text.rstrip())
