"""What `causeway deadletters` asks of the API."""

from collections.abc import Sequence

from causeway.bridge.v1 import operations_service_pb2 as pb
from stack.audit.event_types import full_type, known_types
from stack.audit.listed import first
from stack.connected import connected
from stack.errors import Code, StackError


def chosen(
    names: Sequence[str], group: str, key: str, type_: str, reason: str
) -> pb.DeadLetterFilter:
    """The filter for what was typed. StackError UNKNOWN_NAME (usage) for a type that is none."""
    return pb.DeadLetterFilter(
        group=group,
        key=key,
        type=full_type(type_, known_types()) if type_ else "",
        reason=reason,
        names=[f"deadLetters/{name.removeprefix('deadLetters/')}" for name in names],
    )


def refuse_everything(wanted: pb.DeadLetterFilter, command: str) -> None:
    """StackError SETTING_INVALID (usage) where nothing was chosen: that would be everything."""
    if not wanted.ListFields():
        raise StackError(
            Code.SETTING_INVALID,
            "say which dead letters: names, or --group, --key, --type, --reason",
            f"causeway deadletters {command} --group GROUP",
            usage=True,
        )


async def listed(
    wanted: pb.DeadLetterFilter, limit: int, user: str, password: str | None
) -> tuple[Sequence[pb.DeadLetter], bool]:
    """At most `limit` of them, and whether there are more."""
    request = pb.ListDeadLettersRequest(filter=wanted)
    async with connected(user, password, again="causeway deadletters list …") as platform:
        return await first(platform.operations.ListDeadLetters, request, "dead_letters", limit)


async def shown(name: str, user: str, password: str | None) -> pb.DeadLetter:
    """One of them. StackError UNKNOWN_NAME where it is not parked (any more)."""
    found, _ = await listed(chosen([name], "", "", "", ""), 1, user, password)
    if not found:
        raise StackError(Code.UNKNOWN_NAME, f"{name} is not parked", "causeway deadletters list")
    return found[0]


async def redriven(wanted: pb.DeadLetterFilter, user: str, password: str | None) -> int:
    """Ask for them to be handled again; how many."""
    request = pb.RedriveDeadLettersRequest(filter=wanted)
    async with connected(user, password, again="causeway deadletters redrive …") as platform:
        return (await platform.operations.RedriveDeadLetters(request)).count


async def discarded(wanted: pb.DeadLetterFilter, user: str, password: str | None) -> int:
    """Give them up; how many."""
    request = pb.DiscardDeadLettersRequest(filter=wanted)
    async with connected(user, password, again="causeway deadletters discard …") as platform:
        return (await platform.operations.DiscardDeadLetters(request)).count
