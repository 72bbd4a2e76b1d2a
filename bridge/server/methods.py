"""What the descriptors say about each method: shape, access rule, limits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from causeway.options.v1 import options_pb2

# The platform's defaults, as options.proto states them.
DEFAULT_TIMEOUT = 10.0
DEFAULT_MAX_REQUEST_BYTES = 65536

HEALTH = "grpc.health.v1.Health"
# grpcurl asks for v1 first; the wheel knows v1alpha alone.
REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call. Neither public nor authenticated nor any role nor owner: nobody."""

    public: bool = False
    # Any verified caller (reflection).
    authenticated: bool = False
    roles: frozenset[str] = frozenset()
    owner: int = options_pb2.Access.OWNER_UNSPECIFIED
    owner_field: tuple[str, ...] = ()


DENIED = Access()


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a service. `timeout` is seconds; None: a stream, which its token limits.

    `checks_itself` is said by its handler (`bridge.server.pipeline`), and not by the descriptors.
    """

    path: str
    request: type[Message]
    client_streaming: bool
    server_streaming: bool
    access: Access = DENIED
    timeout: float | None = DEFAULT_TIMEOUT
    max_request_bytes: int = DEFAULT_MAX_REQUEST_BYTES
    response: type[Message] = Empty
    checks_itself: bool = False

    @property
    def streaming(self) -> bool:
        """Whether either side streams."""
        return self.client_streaming or self.server_streaming


def built_in_access(service: str) -> Access | None:
    """Access of the services that carry no options: health is open, reflection needs a token."""
    if service == HEALTH:
        return Access(public=True)
    if service in REFLECTION:
        return Access(authenticated=True)
    return None


def access_of(descriptor: MethodDescriptor) -> Access:
    """Read the `access` option; a method without one is denied to everybody."""
    options = descriptor.GetOptions()
    if not options.HasExtension(options_pb2.access):
        return built_in_access(descriptor.containing_service.full_name) or DENIED
    rule = options.Extensions[options_pb2.access]
    by_field = rule.owner in (options_pb2.Access.OWNER_SELF, options_pb2.Access.OWNER_FIELD)
    if by_field and (descriptor.client_streaming or not rule.owner_field):
        raise ValueError(
            f"{descriptor.full_name}: this owner rule needs one request and an owner_field"
        )
    return Access(
        public=rule.public,
        roles=frozenset(rule.roles),
        owner=rule.owner,
        owner_field=tuple(rule.owner_field.split(".")) if rule.owner_field else (),
    )


def method_of(descriptor: MethodDescriptor) -> Method:
    """Build the method of a descriptor."""
    rule = descriptor.GetOptions().Extensions[options_pb2.access]
    streaming = descriptor.client_streaming or descriptor.server_streaming
    timeout = rule.timeout.ToTimedelta().total_seconds() if rule.HasField("timeout") else None
    return Method(
        path=f"/{descriptor.containing_service.full_name}/{descriptor.name}",
        request=GetMessageClass(descriptor.input_type),
        client_streaming=descriptor.client_streaming,
        server_streaming=descriptor.server_streaming,
        access=access_of(descriptor),
        timeout=timeout if timeout or streaming else DEFAULT_TIMEOUT,
        max_request_bytes=rule.max_request_bytes or DEFAULT_MAX_REQUEST_BYTES,
        response=GetMessageClass(descriptor.output_type),
    )


def methods_of(
    service: str, pool: descriptor_pool.DescriptorPool | None = None
) -> Mapping[str, Method]:
    """Methods of a service by their short name; KeyError where no loaded proto declares it."""
    pool = pool or descriptor_pool.Default()
    descriptor = pool.FindServiceByName(service)
    return {method.name: method_of(method) for method in descriptor.methods}


def restricted(methods: Mapping[str, Method], roles: Iterable[str]) -> Mapping[str, Method]:
    """Ask for one of `roles` at methods that any valid token opens; without roles as they are."""
    access = Access(roles=frozenset(roles))
    if not access.roles:
        return methods
    return {
        name: replace(method, access=access) if method.access.authenticated else method
        for name, method in methods.items()
    }
