"""The state directory: `.causeway`, with the data, the logs and the secrets of one platform."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.endings import end_groups
from stack.errors import Code, StackError
from stack.failures import disk_full, is_disk_full
from stack.identity import Identity, is_alive
from stack.journal import FILE, Record, read

MARK = "README"
_MARK_TEXT = (
    "The state of a local Causeway platform: data, logs, secrets.\n"
    "`causeway down --wipe` removes it. Nothing in here belongs into version control.\n"
)
_LOCK = "lock"


@contextmanager
def opened(state: Path) -> Iterator[None]:
    """Hold the state directory for one `up`, made if need be and free of leftovers.

    Raises StackError ALREADY_RUNNING, STATE_NOT_WRITABLE, STATE_NOT_OURS or DISK_FULL.
    """
    from filelock import FileLock, Timeout

    make(state)
    lock = FileLock(state / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise already_running(state) from None
    try:
        end_leftovers(state)
        yield
    finally:
        lock.release()


def make(state: Path) -> None:
    """Make the directory with its mark, or check that an existing one is ours and writable."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        if not (state / MARK).exists():
            _require_empty(state)
            (state / MARK).write_text(_MARK_TEXT)
        (state / "logs").mkdir(exist_ok=True)
        probe = state / f".write-{os.getpid()}"
        probe.write_text("x")
        probe.unlink()
    except OSError as error:
        if is_disk_full(error):
            raise disk_full(f"the state directory {state} could not be written") from None
        raise StackError(
            Code.STATE_NOT_WRITABLE,
            f"the state directory {state} can't be written: {error.strerror}",
            "CAUSEWAY_STATE=/a/directory/of/yours causeway up",
        ) from None


def _require_empty(state: Path) -> None:
    # So that `down --wipe` never removes what somebody else put there. Folders of our own are
    # no surprise: tools that ran before the first `up` may have made them.
    strangers = [path.name for path in state.iterdir() if path.name not in _OWN]
    if strangers:
        raise StackError(
            Code.STATE_NOT_OURS,
            f"{state} holds other files ({', '.join(sorted(strangers)[:3])})",
            "CAUSEWAY_STATE=/an/empty/directory causeway up",
        )


_OWN = {"logs", "secrets", "lock", "tests", FILE}


def already_running(state: Path) -> StackError:
    """The error for a second `up` on the same state."""
    record = read(state)
    who = "" if record is None else f" (process {record.supervisor.pid})"
    return StackError(
        Code.ALREADY_RUNNING,
        f"a platform already runs with the state {state}{who}",
        "causeway status   (or: causeway down, or another CAUSEWAY_STATE and CAUSEWAY_PORT_OFFSET)",
    )


def end_leftovers(state: Path) -> list[Identity]:
    """End what a killed supervisor *and* guard left. Returns the groups that there were."""
    record = read(state)
    if record is None:
        return []
    left = end_groups(record.groups())
    if left:
        pids = " ".join(str(identity.pid) for identity in left)
        raise StackError(
            Code.STOP_FAILED,
            f"processes of an earlier platform can't be ended: {pids}",
            f"kill -9 {pids}   (as the user who started them)",
        )
    return record.groups()


def live_record(state: Path) -> Record | None:
    """The record of the platform that runs with this state; None when none does."""
    record = read(state)
    return record if record is not None and is_alive(record.supervisor) else None


def require_running(state: Path) -> Record:
    """The record of the running platform, else StackError NOT_RUNNING."""
    record = live_record(state)
    if record is None:
        raise StackError(
            Code.NOT_RUNNING, f"no platform runs with the state {state}", "causeway up --detach"
        )
    return record


def wipe(state: Path) -> None:
    """Remove the directory, if it carries our mark."""
    if not state.exists():
        return
    if not (state / MARK).exists():
        raise StackError(
            Code.STATE_NOT_OURS,
            f"{state} does not carry the mark of a Causeway state; nothing was removed",
            f"ls {state}",
        )
    shutil.rmtree(state)
