"""Every method, event and exception with its rule; the defaults are filled in."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from gateway import defaults, surface
from gateway.model import Event, Method, Model, Streaming

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A method as the edge lets it through.

    `including`: roles that include one of the method's own. `timeout` in seconds.
    """

    method: Method
    including: tuple[str, ...]
    max_request_bytes: int
    timeout: float


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of events: who writes it, who may publish to it and subscribe from outside."""

    name: str
    owner: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Exempt:
    """A path that needs no token and is no method."""

    path: str
    verbs: str
    what: str


EXCEPTIONS = (
    Exempt("/healthz", "any", "200 while the edge takes calls"),
    Exempt("/readyz", "any", "200 while every service has a healthy replica, else 503"),
    Exempt(surface.OPENAPI, "GET, HEAD", "the REST surface"),
    Exempt(surface.ASYNCAPI, "GET, HEAD", "topics and events"),
)
REFLECTION = tuple(path.removeprefix("/") for path in surface.REFLECTION)
"""Not in the protos; the deployment says who may: any caller locally, else its roles."""


def calls(model: Model) -> Iterator[Call]:
    """All methods in the order of the protos."""
    for method in model.methods():
        access = method.access
        unary = method.streaming is Streaming.UNARY
        longest = defaults.UNARY_TIMEOUT if unary else defaults.STREAM_LIFE
        yield Call(
            method=method,
            including=including(model, access.roles),
            max_request_bytes=access.max_request_bytes or defaults.REQUEST_BYTES,
            timeout=access.timeout or longest,
        )


def including(model: Model, roles: tuple[str, ...]) -> tuple[str, ...]:
    """Other roles whose holders have one of these too, by way of `includes`."""
    found = set(roles)
    while more := {r.name for r in model.roles if found & set(r.includes)} - found:
        found |= more
    return tuple(role.name for role in model.roles if role.name in found - set(roles))


def topics(model: Model) -> tuple[Topic, ...]:
    """The topics of events, by name."""
    names = sorted({event.topic for event in model.events})
    found = ((name, tuple(e for e in model.events if e.topic == name)) for name in names)
    return tuple(Topic(name, events[0].owner, events) for name, events in found)


def method_row(call: Call) -> Json:
    """One method as plain data."""
    method, access = call.method, call.method.access
    limit = access.rate_limit
    return {
        "method": method.path.removeprefix("/"),
        "rest": [{"verb": one.verb, "path": one.path, "body": one.body} for one in method.bindings],
        "public": access.public,
        "roles": list(access.roles),
        "rolesIncluding": list(call.including),
        "owner": access.owner.value,
        "ownerField": access.owner_field,
        "rateLimit": limit and {"requests": limit.requests, "seconds": limit.interval},
        "maxRequestBytes": call.max_request_bytes,
        "timeoutSeconds": call.timeout,
        "idempotency": method.idempotency.value,
        "streaming": method.streaming.value,
    }


def matrix(model: Model) -> Json:
    """The whole matrix as plain data: what `docs/access.json` holds."""
    return {
        "roles": [
            {"name": r.name, "includes": list(r.includes), "description": r.description}
            for r in model.roles
        ],
        "methods": [method_row(call) for call in calls(model)],
        "exceptions": [asdict(one) for one in EXCEPTIONS],
        "reflection": list(REFLECTION),
        "topics": [_topic_row(topic) for topic in topics(model)],
    }


def _topic_row(topic: Topic) -> Json:
    return {
        "topic": topic.name,
        "owner": topic.owner,
        "events": [
            {
                "type": event.name,
                "key": event.key,
                "stream": event.stream,
                "publishRoles": list(event.publish_roles),
                "subscribeRoles": list(event.subscribe_roles),
            }
            for event in topic.events
        ],
    }
