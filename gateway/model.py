"""The small typed model between the protos and every emitter. Plain values, no descriptors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum


class Streaming(Enum):
    """Which side of a method sends more than one message."""

    UNARY = "unary"
    SERVER = "server"
    CLIENT = "client"
    BIDI = "bidi"


class Idempotency(Enum):
    """The standard `idempotency_level`: may a call be repeated without the caller noticing?"""

    UNKNOWN = "unknown"
    IDEMPOTENT = "idempotent"
    NO_SIDE_EFFECTS = "no_side_effects"

    @property
    def repeatable(self) -> bool:
        """Whether the edge may send a call a second time after it may have been handled."""
        return self is not Idempotency.UNKNOWN


class Owner(Enum):
    """How a caller without one of the roles may be let through to the servicer."""

    NONE = "none"
    SELF = "self"
    FIELD = "field"
    HANDLER = "handler"


@dataclass(frozen=True, slots=True)
class Role:
    """A realm role and the roles that it includes."""

    name: str
    includes: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket: `requests` in `interval` seconds, and at most that many at once."""

    requests: int
    interval: float


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call. `max_request_bytes` and `timeout` (seconds) are None for the default."""

    public: bool
    roles: tuple[str, ...]
    owner: Owner
    owner_field: str
    rate_limit: RateLimit | None
    max_request_bytes: int | None
    timeout: float | None


@dataclass(frozen=True, slots=True)
class Binding:
    """One REST binding: HTTP verb, path template as in the proto, `body`: "", "*" or a field."""

    verb: str
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC. `path` is `/package.Service/Method`; `request`, `response` are full names."""

    service: str
    name: str
    access: Access
    bindings: tuple[Binding, ...]
    streaming: Streaming
    idempotency: Idempotency
    request: str
    response: str

    @property
    def path(self) -> str:
        """What gRPC puts into :path."""
        return f"/{self.service}/{self.name}"

    @property
    def client_streams(self) -> bool:
        """Whether the request has no end that a proxy could wait for."""
        return self.streaming in (Streaming.CLIENT, Streaming.BIDI)

    @property
    def streams_over_rest(self) -> bool:
        """Whether the answers come over REST one by one."""
        return self.streaming is Streaming.SERVER and bool(self.bindings)


@dataclass(frozen=True, slots=True)
class Service:
    """One gRPC service; `area` names who serves it: "orders" for `causeway.orders.v1`."""

    name: str
    area: str
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One event type. `owner` is the one area that writes `topic`; `file` its proto."""

    name: str
    topic: str
    key: str
    stream: str
    owner: str
    file: str
    publish_roles: tuple[str, ...]
    subscribe_roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that the emitters read.

    `descriptors`  the whole FileDescriptorSet as bytes.
    `comments`     full name of an element (`package.Enum.VALUE`) → what its comment says.
    `texts`        proto file with events → its text, "" where only its descriptor is known.
    """

    roles: tuple[Role, ...]
    services: tuple[Service, ...]
    events: tuple[Event, ...]
    descriptors: bytes
    comments: Mapping[str, str]
    texts: Mapping[str, str]

    def methods(self) -> Iterator[Method]:
        """All methods, in the order of the services."""
        return (method for service in self.services for method in service.methods)

    @property
    def areas(self) -> tuple[str, ...]:
        """Who serves at least one service, sorted."""
        return tuple(sorted({service.area for service in self.services}))
