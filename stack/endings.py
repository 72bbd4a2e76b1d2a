"""End recorded process groups, whoever started them: used by the guard, `up` and `down`."""

import signal
import time
from collections.abc import Sequence

from stack.identity import Identity, members, signal_group

GRACE = 8.0
"""Seconds between asking and killing. Everything here survives a kill; asking is quicker to
come up again after."""


def end_groups(identities: Sequence[Identity], grace: float = GRACE) -> list[Identity]:
    """Ask every group to end, kill what remains after `grace` seconds; blocking.

    Returns the groups that could not be ended, which is empty unless they belong to another
    user. A group whose number was given out again is left alone.
    """
    for identity in identities:
        _try_signal(identity, identity.stop_signal)
    left = _await_end(identities, grace)
    for identity in left:
        _try_signal(identity, signal.SIGKILL)
    return _await_end(left, 5.0)


def _try_signal(identity: Identity, number: int) -> None:
    try:
        signal_group(identity, number)
    except PermissionError:
        return  # reported by the caller as not ended


def _await_end(identities: Sequence[Identity], seconds: float) -> list[Identity]:
    deadline = time.monotonic() + seconds
    left = [identity for identity in identities if members(identity)]
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [identity for identity in left if members(identity)]
    return left
