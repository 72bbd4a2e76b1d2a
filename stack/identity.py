"""Which process is meant, beyond its number: numbers are given out again.

A process that we started leads a group of its own, so its number is also the group's. It is
recorded with its birth mark; a process of the same number and another birth is a stranger
and is left alone.
"""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

RUN_VARIABLE = "CAUSEWAY_RUN"
"""In the environment of every child: the id of the `up` that started it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A child and its process group. `born` is empty for a process that was gone at once."""

    pid: int
    born: str
    run: str
    stop_signal: int = signal.SIGTERM


def birth_of(pid: int) -> str | None:
    """A mark that no later process of the same number shares; None if there is no process.

    On Linux the boot id and the start in clock ticks since boot: psutil's epoch seconds move
    when the clock is set, which would make strangers of our own children.
    """
    if sys.platform != "linux":
        try:
            return repr(psutil.Process(pid).create_time())
        except psutil.Error:
            return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def is_alive(identity: Identity) -> bool:
    """Whether exactly this process still runs (a zombie does not)."""
    return bool(identity.born) and birth_of(identity.pid) == identity.born


def members(identity: Identity) -> list[int]:
    """The live processes of the recorded group; empty when the group is no longer ours."""
    in_group = _group(identity.pid)
    if not in_group or is_alive(identity):
        return in_group
    if birth_of(identity.pid) is not None:
        return []  # the number was given out again
    # The leader ended before its children: the environment says whose they are.
    return [pid for pid in in_group if _run_of(pid) == identity.run]


def signal_group(identity: Identity, number: int) -> bool:
    """Send a signal to what is left of the group; False when nothing of ours is left."""
    ours = members(identity)
    for pid in ours:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
    return bool(ours)


def _group(group: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        try:
            if os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except (OSError, psutil.Error):
            continue
    return found


def _run_of(pid: int) -> str | None:
    try:
        return psutil.Process(pid).environ().get(RUN_VARIABLE)
    except (psutil.Error, OSError):
        return None
