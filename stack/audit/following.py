"""What `causeway events follow` asks of the API."""

from collections.abc import AsyncIterator, Sequence

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_pb2 import Event
from client.streams import follow
from stack.audit.event_types import full_type
from stack.audit.moments import moment
from stack.connected import connected
from stack.errors import Code, StackError
from stack.steps import catalog


def subscription(
    types: Sequence[str], keys: Sequence[str], since: str | None, *, first: bool
) -> pb.SubscribeEventsRequest:
    """The request for what was typed. StackError (usage) for a time or a type that is none."""
    if since is not None and first:
        raise StackError(
            Code.SETTING_INVALID,
            "--since and --first say two places to begin",
            "causeway events follow --help",
            usage=True,
        )
    known = {one.name: one.topic for one in catalog()}
    names = [full_type(one, sorted(known)) for one in types]
    topics = {known[one] for one in names if one in known} or set(known.values())
    request = pb.SubscribeEventsRequest(topics=sorted(topics), types=names, keys=keys)
    begin = moment(since, "--since")
    if begin is not None:
        request.time.CopyFrom(begin)
    elif first:
        request.position = pb.START_POSITION_EARLIEST
    return request


async def followed(
    request: pb.SubscribeEventsRequest, limit: int | None, user: str, password: str | None
) -> AsyncIterator[Event]:
    """Events as they are written, `limit` of them or without end."""
    async with connected(user, password, again="causeway events follow") as platform:
        given = 0
        async for answer in follow(platform.events.SubscribeEvents, request):
            yield answer.event
            given += 1
            if given == limit:
                return
