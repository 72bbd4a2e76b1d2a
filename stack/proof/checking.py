"""Composes the proof for the platform of this state directory."""

import httpx

from gateway.proof.run import Progress
from stack.credentials import load_credentials
from stack.errors import Code, StackError
from stack.proof.live import Outcome, Place, prove
from stack.proof.static import Verdict, committed, promised, running
from stack.running import running_platform
from stack.steps import deployment


def static_verdicts() -> list[Verdict]:
    """The committed configuration, and that of the running edge where a platform runs."""
    promise = promised()
    found = [committed(promise)]
    try:
        platform, _ = running_platform()
    except StackError as error:
        if error.code is not Code.NOT_RUNNING:
            raise
        return found
    settings, choices = platform.settings, platform.choices
    return [*found, *running(promise, settings, deployment(settings, choices))]


def live_outcome(progress: Progress) -> Outcome:
    """Every cell of the matrix. Raises StackError NOT_RUNNING or CHECK_UNPREPARED."""
    platform, _ = running_platform()
    credentials = load_credentials(platform.settings.state)
    place = Place(platform.settings, platform.choices, credentials)
    try:
        return prove(promised(), place, progress)
    except httpx.HTTPError as error:
        text = f"the platform went away while it was proven: {error}"
        raise StackError(Code.CHECK_UNPREPARED, text, "causeway status") from None
