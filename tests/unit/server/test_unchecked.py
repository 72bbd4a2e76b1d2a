# ruff: noqa: N802 - servicers name their methods as the proto does.
"""A method that checks its request itself: who may call it is known before."""

from typing import Any

import grpc
import pytest

from bridge.server.methods import methods_of
from bridge.server.pipeline import checks_itself, handlers_of
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from bridge.server.validation import Unchecked
from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as events
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceServicer
from tests.unit.server.conftest import Client, Issuer, connect

SERVICE = "causeway.bridge.v1.EventService"
PUBLISH = f"/{SERVICE}/PublishEvent"


class Taking(EventServiceServicer):
    """Takes one event, when it comes to it."""

    def __init__(self) -> None:
        self.asked: list[Unchecked] = []

    @checks_itself
    async def PublishEvent(self, request: Any, context: Any) -> event_pb2.Event:
        self.asked.append(request)
        event: event_pb2.Event = request.check().event
        return event


async def test_its_handler_decodes_and_checks_after_token_and_role(
    issuer: Issuer, settings: ServerSettings
) -> None:
    servicer = Taking()  # type: ignore[abstract]
    server = Server({SERVICE: servicer}, settings)
    await server.start("127.0.0.1:0")
    try:
        async with connect(server.port) as channel:
            client = Client(channel)
            event = event_pb2.Event(source="/warehouse/berlin")
            request = events.PublishEventRequest(event=event)
            for token, code in (
                (None, grpc.StatusCode.UNAUTHENTICATED),
                (issuer.token("customer"), grpc.StatusCode.PERMISSION_DENIED),
            ):
                assert (await client.refused(PUBLISH, request, token)).code is code
            assert servicer.asked == []
            token = issuer.token("publisher")
            answer = await client.call(PUBLISH, request, token)
            assert event_pb2.Event.FromString(answer) == event
            for wrong in (b"\xff" * 11, events.PublishEventRequest()):
                refusal = await client.refused(PUBLISH, wrong, token)
                assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
            assert all(isinstance(one, Unchecked) for one in servicer.asked)
    finally:
        await server.drain()


@pytest.mark.parametrize(
    ("service", "name"),
    [
        (SERVICE, "PublishEvents"),  # a stream
        ("causeway.users.v1.UserService", "UpdateUser"),  # whose owner is told by a field
    ],
)
def test_what_the_kit_must_read_before_its_handler_is_no_such_method(
    service: str, name: str
) -> None:
    class Servicer:
        pass

    @checks_itself
    async def behaviour(request: Any, context: Any) -> None: ...

    setattr(Servicer, name, staticmethod(behaviour))
    with pytest.raises(TypeError, match="owner's field"):
        handlers_of(Servicer(), {name: methods_of(service)[name]}, lambda _method: ())
