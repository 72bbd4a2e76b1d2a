"""The state directory: `.causeway`, with the data, the logs and the secrets of one platform."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stack.endings import end_groups
from stack.errors import Code, StackError
from stack.failures import disk_full, is_disk_full
from stack.identity import Identity, is_alive, members
from stack.journal import FILE, Record, read, write

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
    make(state)
    with locked(state, 0) as ours:
        if not ours:
            raise already_running(state)
        end_leftovers(state)
        yield


@contextmanager
def locked(state: Path, patience: float) -> Iterator[bool]:
    """Hold the lock of a state that carries our mark; yields False when somebody else keeps it.

    Waits up to `patience` seconds. Raises StackError STATE_NOT_WRITABLE.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(state / _LOCK)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        yield False
        return
    except OSError as error:
        raise _not_writable(state, error) from None
    try:
        yield True
    finally:
        lock.release()


def make(state: Path) -> None:
    """Make the directory with its mark, or check that an existing one is ours and writable."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        if not carries_mark(state):
            _require_empty(state)
            (state / MARK).write_text(_MARK_TEXT)
        (state / "logs").mkdir(exist_ok=True, mode=0o700)
        probe = state / f".write-{os.getpid()}"
        probe.write_text("x")
        probe.unlink()
    except OSError as error:
        if is_disk_full(error):
            raise disk_full(f"the state directory {state} could not be written") from None
        raise _not_writable(state, error) from None


def _not_writable(state: Path, error: OSError) -> StackError:
    return StackError(
        Code.STATE_NOT_WRITABLE,
        f"the state directory {state} can't be written: {error.strerror}",
        "CAUSEWAY_STATE=/a/directory/of/yours causeway up",
    )


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


_OWN = {"logs", "secrets", "lock", "tests", "protos", "compile.lock", FILE}


def already_running(state: Path) -> StackError:
    """The error for a second `up` on the same state."""
    record = live_record(state)
    who = "" if record is None else f" (process {record.supervisor.pid})"
    return StackError(
        Code.ALREADY_RUNNING,
        f"a platform already runs with the state {state}{who}",
        "causeway status   (or: causeway down, or another CAUSEWAY_STATE and CAUSEWAY_PORT_OFFSET)",
    )


def end_leftovers(state: Path) -> list[Identity]:
    """End what a killed supervisor *and* guard left. Returns the groups that still ran."""
    record = read(state)
    if record is None:
        return []
    found = [identity for identity in record.groups() if members(identity)]
    left = end_groups(found)
    if left:
        pids = " ".join(str(identity.pid) for identity in left)
        raise StackError(
            Code.STOP_FAILED,
            f"processes of an earlier platform can't be ended: {pids}",
            f"kill -9 {pids}   (as the user who started them)",
        )
    if record.phase != "stopped" or record.groups():
        _record_end(state, record)
    return found


def _record_end(state: Path, record: Record) -> None:
    """Forget the ended processes, so that nobody counts or asks them again."""
    record.phase = "stopped"
    for entry in record.entries.values():
        entry.identity = None
    with suppress(OSError):  # on a full disk they are found dead again, which does no harm
        write(state, record)


def live_record(state: Path) -> Record | None:
    """The record of the platform that runs with this state; None when none does."""
    record = read(state)
    return record if record is not None and is_alive(record.supervisor) else None


def require_running(state: Path) -> Record:
    """The record of the running platform, else StackError NOT_RUNNING."""
    record = live_record(state)
    if record is None:
        raise StackError(
            Code.NOT_RUNNING,
            f"no platform runs with the state {state}",
            "causeway up --detach   (where one runs elsewhere: CAUSEWAY_STATE=…/.causeway)",
        )
    return record


def carries_mark(state: Path) -> bool:
    """Whether the directory is one that `make` made; only such a one has a lock."""
    mark = state / MARK
    # The text, not the name alone: many a directory has a README.
    return mark.is_file() and mark.read_text(errors="replace") == _MARK_TEXT


def wipe(state: Path) -> None:
    """Remove the directory, if it carries our mark; its lock must be held."""
    if not state.exists():
        return
    if not carries_mark(state):
        raise StackError(
            Code.STATE_NOT_OURS,
            f"{state} does not carry the mark of a Causeway state; nothing was removed",
            f"ls {state}",
        )
    shutil.rmtree(state)
