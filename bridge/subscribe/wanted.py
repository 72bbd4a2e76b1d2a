"""Which events a subscription wants, and which of them its caller may have."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bridge.errors import FieldViolation, InvalidArgument, PermissionDenied
from bridge.events.catalog import Catalog, EventType
from bridge.server.call import Call, Caller
from bridge.subscribe.seen import Seen
from causeway.bridge.v1 import event_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter of one subscription; what is None excludes nothing.

    A record that does not say its type or source may be wanted: nobody passes it over in silence.
    """

    topics: tuple[str, ...]
    """Sorted."""
    types: frozenset[str] | None = None
    keys: frozenset[bytes] | None = None
    sources: frozenset[str] | None = None
    since: datetime | None = None
    """Only what happened then or later."""

    def wants(self, one: Seen) -> bool:
        """Whether a record of one of the topics is wanted."""
        return (
            (self.types is None or not one.type or one.type in self.types)
            and (self.keys is None or one.key in self.keys)
            and (self.sources is None or not one.source or one.source in self.sources)
            and (self.since is None or not one.is_before(self.since))
        )


def wanted_of(request: pb.SubscribeEventsRequest, catalog: Catalog, call: Call) -> Wanted:
    """Read the filter, narrowed to what the caller may have.

    InvalidArgument names topics or types that there are not, and those that there are.
    PermissionDenied: it asks for types by name, or for topics, of which it may have nothing.
    """
    topics = _known_topics(request.topics, catalog)
    offered = {one.name: one for one in catalog if one.topic in topics}
    asked = _known_types(request.types, offered)
    return Wanted(
        topics=topics,
        types=_allowed(topics, offered.values(), asked, call),
        keys=frozenset(key.encode() for key in request.keys) or None,
        sources=frozenset(request.sources) or None,
    )


def _known_topics(names: Iterable[str], catalog: Catalog) -> tuple[str, ...]:
    known = catalog.topics()
    for index, name in enumerate(names):
        if name not in known:
            there = ", ".join(known)
            text = f"there is no topic {name}; there is {there}"
            raise _unknown("UNKNOWN_TOPIC", f"topics[{index}]", text)
    return tuple(sorted(set(names)))


def _known_types(names: Iterable[str], offered: Iterable[str]) -> frozenset[str]:
    known = sorted(offered)
    for index, name in enumerate(names):
        if name not in known:
            text = f"these topics have no type {name}; there is {', '.join(known)}"
            raise _unknown("UNKNOWN_EVENT_TYPE", f"types[{index}]", text)
    return frozenset(names)


def _allowed(
    topics: Iterable[str], offered: Iterable[EventType], asked: frozenset[str], call: Call
) -> frozenset[str] | None:
    if call.caller.has(*call.method.access.roles):
        return asked or None
    for topic in topics:
        some = [one for one in offered if one.topic == topic]
        if not any(_may(call.caller, one) for one in some):
            raise _denied(topic, some, call)
    for one in offered:
        if one.name in asked and not _may(call.caller, one):
            raise _denied(one.name, [one], call)
    return asked or frozenset(one.name for one in offered if _may(call.caller, one))


def _may(caller: Caller, one: EventType) -> bool:
    return caller.has(*one.subscribe_roles)


def _denied(name: str, types: Iterable[EventType], call: Call) -> PermissionDenied:
    others = {role for one in types for role in one.subscribe_roles}
    roles = sorted(others | call.method.access.roles)
    return PermissionDenied(
        f"one of these roles is needed to subscribe to {name}: {', '.join(roles)}",
        reason="ROLE_MISSING",
        metadata={"roles": ",".join(roles), "method": call.method.path},
    )


def _unknown(reason: str, field: str, text: str) -> InvalidArgument:
    return InvalidArgument(text, violations=(FieldViolation(field, text),), reason=reason)
