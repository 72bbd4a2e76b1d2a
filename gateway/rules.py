"""What must hold in the protos beyond what protoc checks. Each rule yields Problems."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from gateway import identity, paths, reach
from gateway.descriptors import Descriptors
from gateway.errors import Problem
from gateway.model import Event, Method, Model, Owner, Streaming

ACCESS = "causeway.options.v1.access"
EVENT = "causeway.options.v1.event"
ROLE = "causeway.options.v1.role"
HTTP = "google.api.http"
_DECLARE = f"declare it once, with `option ({ROLE})` in a file"

# A key must have one spelling: no float, no bytes, no message, nothing repeated.
_KEY_TYPES = frozenset(
    {
        FieldDescriptorProto.TYPE_STRING,
        FieldDescriptorProto.TYPE_INT32,
        FieldDescriptorProto.TYPE_INT64,
        FieldDescriptorProto.TYPE_UINT32,
        FieldDescriptorProto.TYPE_UINT64,
    }
)


@dataclass(slots=True)
class Sources:
    """Where things were declared: service or event → file; each (role, file) declaration."""

    files: dict[str, str] = field(default_factory=dict)
    roles: list[tuple[str, str]] = field(default_factory=list)


def check(model: Model, descriptors: Descriptors, sources: Sources) -> Iterator[Problem]:
    """Every broken rule of the whole model."""
    yield from _role_problems(model, sources)
    declared = {role.name for role in model.roles}
    for method in model.methods():
        file, element = sources.files[method.service], f"{method.service}.{method.name}"
        for text in _access_problems(method, declared, descriptors):
            yield Problem(file, element, ACCESS, text)
        for text in (*_binding_problems(method, descriptors), *reach.problems(method, model)):
            yield Problem(file, element, HTTP, text)
    yield from _shared_paths(model, sources)
    for event in model.events:
        for text in _event_problems(event, declared, descriptors):
            yield Problem(event.file, event.name, EVENT, text)
    yield from _writer_problems(model)


def _role_problems(model: Model, sources: Sources) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, file in sources.roles:
        if name in first:
            yield Problem(
                file, name, ROLE, f"role {name!r} is declared in {first[name]} too: keep one"
            )
        first.setdefault(name, file)
    for role in model.roles:
        for included in role.includes:
            if included not in first:
                text = f"includes {included!r}: {_undeclared(included, first)}"
                yield Problem(first[role.name], role.name, ROLE, text)
        if role.name in _reachable(model, role.name):
            yield Problem(
                first[role.name], role.name, ROLE, "includes itself: take one `includes` away"
            )


def _undeclared(role: str, declared: Collection[str]) -> str:
    """What is wrong with a role that no file declares: more often a slip than a new role."""
    near = get_close_matches(role, declared, n=1)
    known = f"; declared are {', '.join(sorted(declared))}" if declared else ""
    return f"role {role!r} is not declared: " + (
        f"did you mean {near[0]!r}?" if near else f"{_DECLARE}{known}"
    )


def _reachable(model: Model, name: str) -> set[str]:
    includes = {role.name: role.includes for role in model.roles}
    seen: set[str] = set()
    waiting = list(includes[name])
    while waiting:
        role = waiting.pop()
        if role not in seen:
            seen.add(role)
            waiting += includes.get(role, ())
    return seen


def _access_problems(method: Method, declared: set[str], descriptors: Descriptors) -> Iterator[str]:
    access = method.access
    for role in access.roles:
        if role not in declared:
            yield _undeclared(role, declared)
    if access.public:
        yield from _public_problems(method)
    elif not access.roles and access.owner is Owner.NONE:
        yield "names neither `public` nor a role nor an owner: nobody could call it; name one"
    limit = access.rate_limit
    if limit and (limit.requests < 1 or limit.interval < 0.05):
        # 50 ms is the shortest interval that Envoy's token bucket takes.
        yield "rate_limit needs at least 1 request and an interval of at least 0.05 s"
    yield from _timeout_problems(method)
    yield from _owner_problems(method, descriptors)


def _timeout_problems(method: Method) -> Iterator[str]:
    timeout = method.access.timeout
    if timeout is None:
        return
    if timeout <= 0:
        yield "timeout must be longer than nothing"
    elif method.streaming is not Streaming.UNARY and timeout > identity.TOKEN_LIFE:
        # The service ends a stream with the token that opened it.
        yield f"a stream ends with its token: timeout is at most {identity.TOKEN_LIFE} s"


def _public_problems(method: Method) -> Iterator[str]:
    access = method.access
    if access.roles or access.owner is not Owner.NONE:
        yield "is public and names roles or an owner; it can only be one of the two"
    if access.rate_limit is None:
        yield "is public without a rate_limit: give it one, {requests, interval}"


def _owner_problems(method: Method, descriptors: Descriptors) -> Iterator[str]:
    access = method.access
    if access.owner not in (Owner.SELF, Owner.FIELD):
        return
    if method.client_streams:
        # There is no one request whose field could name the owner; the service won't start.
        yield "owner SELF and FIELD need one request, not a stream of them: take HANDLER"
    found = descriptors.field(f".{method.request}", access.owner_field)
    if found is None or found.type != FieldDescriptorProto.TYPE_STRING or _repeated(found):
        yield f"owner_field {access.owner_field!r} is no string field of {method.request}"


def _binding_problems(method: Method, descriptors: Descriptors) -> Iterator[str]:
    if method.streams_over_rest:
        end = descriptors.field(f".{method.response}", "end")
        if end is None or end.type_name != ".google.rpc.Status" or _repeated(end):
            yield (
                f"is a stream, whose status is lost over REST: give {method.response} a field "
                "`google.rpc.Status end`"
            )
    for binding in method.bindings:
        for path in paths.variables(binding.path):
            found = descriptors.field(f".{method.request}", path)
            if found is None or _repeated(found) or found.type == found.TYPE_MESSAGE:
                yield f"{binding.path} binds {path!r}, no scalar field of {method.request}"
            if path == binding.body:
                yield f"{binding.path} binds {path!r}, which is the body too: take another body"
        named = binding.body not in ("", "*")
        if named and descriptors.field(f".{method.request}", binding.body) is None:
            yield f"body {binding.body!r} is no field of {method.request}: name one, or `*` for all"


def _shared_paths(model: Model, sources: Sources) -> Iterator[Problem]:
    users: dict[tuple[str, str], str] = {}
    for method in model.methods():
        element = f"{method.service}.{method.name}"
        for binding in method.bindings:
            place = (binding.verb, paths.shape(binding.path))
            other = users.setdefault(place, element)
            if other != element:
                text = f"{binding.verb} {binding.path} is the path of {other} too: change one"
                yield Problem(sources.files[method.service], element, HTTP, text)


def _event_problems(event: Event, declared: set[str], descriptors: Descriptors) -> Iterator[str]:
    for name in ("topic", "key", "stream"):
        if not getattr(event, name):
            yield f"{name} is missing: an event has topic, key and stream"
    if event.key:
        found = descriptors.field(f".{event.name}", event.key)
        if found is None or found.type not in _KEY_TYPES or _repeated(found):
            yield f"key {event.key!r} is no scalar field of the message (a string or an integer)"
    for role in (*event.publish_roles, *event.subscribe_roles):
        if role not in declared:
            yield _undeclared(role, declared)


def _writer_problems(model: Model) -> Iterator[Problem]:
    """A topic has one writer, and the events of one stream share one topic."""
    topics: dict[str, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    streams: dict[str, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for event in model.events:
        topics[event.topic][event.owner].append(event)
        streams[event.stream][event.topic].append(event)
    for topic, writers in topics.items():
        for known, other in _strangers(writers):
            two = f"topic {topic!r} has two writers: {_written(known)} and {_written(other)}"
            text = f"{two}; give each package a topic of its own"
            yield Problem(other.file, other.name, EVENT, text)
    for stream, places in streams.items():
        for known, other in _strangers(places):
            two = f"stream {stream!r} has two topics: {known.topic!r} and {other.topic!r}"
            text = f"{two}; the events of a stream are kept in order by one"
            yield Problem(other.file, other.name, EVENT, text)


def _strangers(groups: Mapping[str, list[Event]]) -> Iterator[tuple[Event, Event]]:
    """An event of the group that belongs there, with one of each group that does not.

    Those belong whose topic bears the name of their package; where none does, the most.
    """
    known = max(groups.values(), key=lambda events: (any(map(_at_home, events)), len(events)))
    yield from ((known[0], events[0]) for events in groups.values() if events is not known)


def _at_home(event: Event) -> bool:
    return event.topic == event.name.rpartition(".")[0]


def _written(event: Event) -> str:
    return f"{event.owner} ({event.name.rpartition('.')[2]})"


def _repeated(found: FieldDescriptorProto) -> bool:
    return found.label == FieldDescriptorProto.LABEL_REPEATED
