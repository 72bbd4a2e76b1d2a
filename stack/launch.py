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
from stack.news import News
from stack.platform import Platform
from stack.ports import require_free
from stack.settings import Settings
from stack.signals import obey
from stack.state import opened
from stack.supervisor import Supervisor
from stack.workplace import Workplace

Say = Callable[[str], None]


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
            require_free(platform.ports, settings.port.offset)
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
    news = News(platform.nodes, say)
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
