"""What `causeway replay` asks of the API."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import anyio

from causeway.bridge.v1 import operations_service_pb2 as pb
from client.platform import Platform
from stack.audit.event_types import full_type, known_types
from stack.audit.listed import first
from stack.audit.moments import moment
from stack.connected import connected
from stack.errors import Code, StackError

POLL = 0.5
"""Seconds between two looks at a replay that runs."""
OPEN = (pb.Replay.STATE_PENDING, pb.Replay.STATE_RUNNING)
AGAIN = "causeway replay start …"


@dataclass(frozen=True, slots=True)
class Range:
    """Which events, as it was typed."""

    subject: str = ""
    types: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    first_position: int = 0
    last_position: int = 0


def wanted(mode: str, group: str, origin: str, chosen: Range, effects: Sequence[str]) -> pb.Replay:
    """The replay for what was typed. StackError (usage) for a time or a type that is none."""
    known = known_types() if chosen.types else []
    return pb.Replay(
        mode=pb.Replay.Mode.Value(f"MODE_{mode.upper()}"),
        group=group,
        origin=pb.Replay.Origin.Value(f"ORIGIN_{(origin or 'unspecified').upper()}"),
        subject=chosen.subject,
        types=[full_type(name, known) for name in chosen.types],
        start_time=moment(chosen.since, "--since"),
        end_time=moment(chosen.until, "--until"),
        start_position=chosen.first_position,
        end_position=chosen.last_position,
        effects=effects,
    )


async def planned(replay: pb.Replay, user: str, password: str | None) -> pb.Replay:
    """What it would do."""
    request = pb.ReplayEventsRequest(replay=replay, dry_run=True)
    async with connected(user, password, again=AGAIN) as platform:
        return await platform.operations.ReplayEvents(request)


async def started(replay: pb.Replay, user: str, password: str | None) -> pb.Replay:
    """Ask for it."""
    async with connected(user, password, again=AGAIN) as platform:
        return await platform.operations.ReplayEvents(pb.ReplayEventsRequest(replay=replay))


async def followed(name: str, user: str, password: str | None) -> AsyncIterator[pb.Replay]:
    """Each change of it until it ends; the last one is how it ended."""
    async with connected(user, password, again=f"causeway replay status {name}") as platform:
        async for replay in changes(platform, name):
            yield replay


async def changes(platform: Platform, name: str) -> AsyncIterator[pb.Replay]:
    """A replay, and again whenever it is another."""
    seen: pb.Replay | None = None
    while True:
        replay = await platform.operations.GetReplay(pb.GetReplayRequest(name=name))
        if replay != seen:
            yield replay
        if replay.state not in OPEN:
            return
        seen = replay
        await anyio.sleep(POLL)


async def shown(name: str, user: str, password: str | None) -> pb.Replay:
    """One replay."""
    async with connected(user, password, again=f"causeway replay status {name}") as platform:
        return await platform.operations.GetReplay(pb.GetReplayRequest(name=name_of(name)))


async def listed(limit: int, user: str, password: str | None) -> tuple[Sequence[pb.Replay], bool]:
    """The newest `limit` replays, and whether there are more."""
    async with connected(user, password, again="causeway replay list") as platform:
        return await first(
            platform.operations.ListReplays, pb.ListReplaysRequest(), "replays", limit
        )


async def cancelled(name: str, user: str, password: str | None) -> pb.Replay:
    """Ask it to stop."""
    async with connected(user, password, again=f"causeway replay cancel {name}") as platform:
        return await platform.operations.CancelReplay(pb.CancelReplayRequest(name=name_of(name)))


def name_of(replay: str) -> str:
    """`ID` or `replays/ID` as a resource name."""
    return f"replays/{replay.removeprefix('replays/')}"


def unsuccessful(replay: pb.Replay) -> StackError:
    """Say that a replay ended, but not well."""
    ended = pb.Replay.State.Name(replay.state).removeprefix("STATE_").lower()
    return StackError(
        Code.REPLAY_FAILED,
        f"{replay.name} {ended}" + (f": {replay.error}" if replay.error else ""),
        f"causeway replay status {replay.name.removeprefix('replays/')}",
    )
