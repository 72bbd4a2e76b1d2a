"""What `causeway events` asks of the API."""

from collections.abc import Sequence

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_pb2 import Event
from stack.audit.event_types import full_type, known_types
from stack.audit.listed import first
from stack.audit.moments import moment
from stack.connected import connected


def wanted(
    source: str, subject: str, type_: str, correlation: str, since: str | None, until: str | None
) -> pb.ListEventsRequest:
    """The request for what was typed. StackError (usage) for a time or a type that is none."""
    return pb.ListEventsRequest(
        source=source if not source or source.startswith("/") else f"/causeway/{source}",
        subject=subject,
        type=full_type(type_, known_types()) if type_ else "",
        correlation=correlation,
        start_time=moment(since, "--since"),
        end_time=moment(until, "--until"),
    )


async def listed(
    request: pb.ListEventsRequest, limit: int, user: str, password: str | None
) -> tuple[Sequence[Event], bool]:
    """At most `limit` events, and whether there are more."""
    async with connected(user, password, again="causeway events list …") as platform:
        return await first(platform.events.ListEvents, request, "events", limit)


async def shown(event: str, user: str, password: str | None) -> Event:
    """One event."""
    async with connected(user, password, again=f"causeway events show {event}") as platform:
        return await platform.events.GetEvent(pb.GetEventRequest(name=name_of(event)))


async def traced(event: str, user: str, password: str | None) -> pb.TraceEventResponse:
    """Its trace."""
    async with connected(user, password, again=f"causeway events trace {event}") as platform:
        return await platform.events.TraceEvent(pb.TraceEventRequest(name=name_of(event)))


def name_of(event: str) -> str:
    """`ID` or `events/ID` as a resource name."""
    return f"events/{event.removeprefix('events/')}"
