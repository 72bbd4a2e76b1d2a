"""The guard: ends the platform's processes when the supervisor can't any more.

A SIGKILL leaves the supervisor no last word, and neither Linux nor macOS ends children with
their parent. So a second process, in a session of its own, holds the read end of a pipe whose
write end only the supervisor has. The pipe's end is the supervisor's end, whatever its cause.

The supervisor writes one JSON line per process group before it lets the child run:
{"pid": 17, "born": "…", "run": "…", "stop_signal": 15}, and {"pid": 17} once it has ended.

Run as `python -m stack.guard`, with the pipe as standard input.
"""

import json
import signal
import sys
from collections.abc import Iterable

from stack.endings import end_groups
from stack.identity import Identity


def record(identity: Identity) -> str:
    """The line that puts a group under guard."""
    return json.dumps(
        {
            "pid": identity.pid,
            "born": identity.born,
            "run": identity.run,
            "stop_signal": int(identity.stop_signal),
        }
    )


def erase(identity: Identity) -> str:
    """The line that says that a group has ended."""
    return json.dumps({"pid": identity.pid})


def follow(lines: Iterable[str]) -> list[Identity]:
    """Read records until the pipe ends; the groups that are then still recorded."""
    groups: dict[int, Identity] = {}
    for line in lines:
        if not line.endswith("\n"):
            break  # cut by the kill: its child was not yet let go
        fields = json.loads(line)
        if "born" in fields:
            groups[fields["pid"]] = Identity(**fields)
        else:
            groups.pop(fields["pid"], None)
    return list(groups.values())


def main() -> None:
    """Wait for the end of standard input, then end what it left recorded."""
    # Ctrl-C and `kill` are for the supervisor; the guard outlives it by design.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Last started, first asked: the services before the brokers and the database.
    end_groups(follow(sys.stdin)[::-1])


if __name__ == "__main__":
    main()
