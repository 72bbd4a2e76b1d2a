"""`down`: ask the supervisor to stop, wait for it, end what is left."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from stack.errors import Code, StackError
from stack.identity import is_alive
from stack.journal import Record
from stack.state import carries_mark, end_leftovers, live_record, locked, wipe

PATIENCE = 60.0
"""Seconds that a supervisor has to end."""

TRIES = 5
"""Seconds, one per try, that somebody may hold the lock without a record: an `up` that has only
just begun writes one soon, another `down` lets go."""


def shut_down(state: Path, *, remove: bool = False) -> str:
    """Stop what runs with this state, and `remove` its directory; blocking.

    Returns what was done, in words. Raises StackError STOP_FAILED when the supervisor does not
    end within 60 s or somebody else keeps the lock; nothing is removed then.
    """
    stopped = False
    if not carries_mark(state):  # no `up` ever was here, so there is no lock to take
        return _finish(state, stopped, remove=remove)
    for _ in range(TRIES):
        record = live_record(state)
        if record is not None:
            _end_supervisor(record)
            stopped = True
        with locked(state, 1.0) as ours:
            if ours:
                return _finish(state, stopped, remove=remove)
    raise StackError(
        Code.STOP_FAILED,
        f"another `up` or `down` holds the state {state}; nothing was removed",
        "causeway down",
    )


def _finish(state: Path, stopped: bool, *, remove: bool) -> str:
    left = end_leftovers(state)
    if remove:
        wipe(state)
    if stopped:
        return "everything is stopped"
    return f"ended {len(left)} processes that a crash had left" if left else "nothing runs"


def _end_supervisor(record: Record) -> None:
    with suppress(ProcessLookupError):  # it ended by itself meanwhile
        os.kill(record.supervisor.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while is_alive(record.supervisor):
        if time.monotonic() > deadline:
            raise StackError(
                Code.STOP_FAILED,
                f"the supervisor {record.supervisor.pid} did not end within {PATIENCE:g} s",
                f"kill -9 {record.supervisor.pid} && causeway down",
            )
        time.sleep(0.05)
