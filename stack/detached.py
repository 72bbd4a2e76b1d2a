"""`up --detach`: the same `up` in a session of its own, watched until it is ready."""

import os
import signal
import subprocess
import sys
import time

from stack.choices import Choices
from stack.console import say
from stack.processes import open_section
from stack.settings import Settings
from stack.state import already_running, live_record, make


def launch_detached(settings: Settings, choices: Choices, *, offline: bool) -> None:
    """Start `up` in the background and return once it is ready.

    Its lines are shown as they come. Exits with 1 when it ends before.
    """
    make(settings.state)
    if live_record(settings.state) is not None:
        raise already_running(settings.state)
    log = settings.logs / "up.log"
    # Not emptied: another `up` of this moment may be writing there, and only the lock, which
    # the new process takes, says which of the two goes on.
    begin = open_section(log)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 (this program again)
            _command(choices, offline=offline),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "CAUSEWAY_STATE": str(settings.state)},
        )
    try:
        with log.open("r", errors="replace") as lines:
            lines.seek(begin)
            while process.poll() is None and not _is_ready(settings, process.pid):
                _show(lines.read())
                time.sleep(0.05)
            time.sleep(0.05)  # the receipt follows the mark in the state file
            _show(lines.read())
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    if process.poll() is not None:
        sys.exit(1)  # its last lines, just shown, say why


def _command(choices: Choices, *, offline: bool) -> list[str]:
    return [
        *(sys.executable, "-m", "stack.cli", "up", "--background"),
        *(word for name, n in choices.scale.items() for word in ("--scale", f"{name}={n}")),
        *(word for name in choices.only for word in ("--only", name)),
        *(["--offline"] if offline else []),
    ]


def _is_ready(settings: Settings, pid: int) -> bool:
    record = live_record(settings.state)
    return record is not None and record.supervisor.pid == pid and record.phase == "running"


def _show(text: str) -> None:
    if text:
        say(text.removesuffix("\n"))
