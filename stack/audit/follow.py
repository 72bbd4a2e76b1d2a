"""Follows a replay at a terminal, and says how it stands."""

import sys
from functools import partial

import anyio

from causeway.bridge.v1.operations_service_pb2 import Replay
from stack.audit.event_text import as_json as json_of
from stack.audit.replay_text import planned_text, progress, replay_text, state
from stack.audit.replays import followed, unsuccessful
from stack.console import say, say_json

INTERRUPTED = 130
"""What a shell gives for Ctrl-C."""


def tell(replay: Replay, *, as_json: bool) -> None:
    """A replay, or the plan of one, which has no name. What failed is an error after it."""
    if as_json:
        say_json(json_of(replay))
    else:
        say(replay_text(replay) if replay.name else planned_text(replay))


def follow(replay: Replay, user: str, password: str | None) -> Replay:
    """Show its progress on standard error until it ends.

    StackError REPLAY_FAILED where it did not succeed. Ctrl-C ends the program, not the replay.
    """
    try:
        ended = anyio.run(partial(_watch, replay, user, password))
    except KeyboardInterrupt:
        number = replay.name.removeprefix("replays/")
        sys.stderr.write(
            f"\n{replay.name} goes on\n"
            f"see it: causeway replay status {number}\n"
            f"stop it: causeway replay cancel {number}\n"
        )
        raise SystemExit(INTERRUPTED) from None
    if ended.state != Replay.STATE_SUCCEEDED:
        raise unsuccessful(ended)
    return ended


async def _watch(begun: Replay, user: str, password: str | None) -> Replay:
    """Repaint one line on a terminal; elsewhere write a line a change of state."""
    live, said, last = sys.stderr.isatty(), "", begun
    async for last in followed(begun.name, user, password):
        if live:
            sys.stderr.write(f"\r\x1b[K{last.name} {state(last)}, {progress(last)}")
        elif state(last) != said:
            said = state(last)
            sys.stderr.write(f"{last.name} {said}, {progress(last)}\n")
        sys.stderr.flush()
    if live:
        sys.stderr.write("\n")
    return last
