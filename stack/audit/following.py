"""What `causeway events follow` asks of the API."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import grpc

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_pb2 import Event
from client.errors import CallFailed
from client.streams import Opening, follow
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
        async for event in readable(platform.events.SubscribeEvents, request):
            yield event
            given += 1
            if given == limit:
                return


async def readable(
    subscribe: Opening[pb.SubscribeEventsRequest, pb.SubscribeEventsResponse],
    request: pb.SubscribeEventsRequest,
) -> AsyncGenerator[Event, None]:
    """Every event; a record that nobody can read is named on standard error and passed over."""
    while True:
        try:
            async for answer in follow(subscribe, request):
                yield answer.event
        except CallFailed as error:
            behind = error.resume_token
            if error.code is not grpc.StatusCode.DATA_LOSS or behind in ("", request.resume_token):
                raise
            sys.stderr.write(f"passed over: {error.message}\n")
            request = behind_it(request, behind)
        else:
            return


def behind_it(request: pb.SubscribeEventsRequest, token: str) -> pb.SubscribeEventsRequest:
    """The request that goes on at a token."""
    copy = pb.SubscribeEventsRequest()
    copy.CopyFrom(request)
    copy.resume_token = token
    return copy
