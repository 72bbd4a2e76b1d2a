"""Runs a program as another user: `python unprivileged.py UID GID REACH PROGRAM ARGUMENT…`.

PostgreSQL refuses to run as root. When root starts the platform this file stands before
PostgreSQL's own command, drops to the given user and becomes the program (exec).

REACH is `reach` when the program or its data lies below a directory that only root may enter
(/root is one). Then one capability stays, the one to pass such directories: opening root's home
to every user of the machine would be the alternative. It imports the standard library alone.
"""

import ctypes
import os
import sys

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
PR_SET_KEEPCAPS = 8
PR_CAPBSET_READ = 23
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def drop(uid: int, gid: int) -> None:
    """Become the user, with no group but `gid`."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def drop_but_reach(uid: int, gid: int) -> None:
    """Become the user, yet keep passing directories that are closed to it (Linux only)."""
    library = ctypes.CDLL(None, use_errno=True)
    wanted = [CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE]
    # A container may hold the second only.
    held = [cap for cap in wanted if library.prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1]
    if not held:
        sys.exit("no capability to pass root's own directories: move the checkout out of them")
    capability = held[0]
    _check(library.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    drop(uid, gid)
    bit = 1 << capability
    data = (_Data * 2)(_Data(bit, bit, bit), _Data(0, 0, 0))
    _check(library.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), data))
    _check(library.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main() -> None:
    """Drop, then become the program."""
    uid, gid, reach, *command = sys.argv[1:]
    (drop_but_reach if reach == "reach" else drop)(int(uid), int(gid))
    os.execv(command[0], command)  # noqa: S606 - its argv comes from the supervisor


if __name__ == "__main__":
    main()
