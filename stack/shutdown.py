"""`down`: ask the supervisor to stop, wait for it, end what is left."""

import os
import signal
import time
from pathlib import Path

from stack.errors import Code, StackError
from stack.identity import is_alive
from stack.state import end_leftovers, live_record

PATIENCE = 60.0


def shut_down(state: Path) -> str:
    """Stop what runs with this state; blocking. Returns what was done, in words.

    Raises StackError STOP_FAILED when the supervisor does not end within 60 s.
    """
    record = live_record(state)
    if record is None:
        left = end_leftovers(state)
        return f"ended {len(left)} processes that a crash had left" if left else "nothing runs"
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
    end_leftovers(state)
    return "everything is stopped"
