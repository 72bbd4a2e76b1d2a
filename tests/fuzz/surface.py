"""The methods there are, from the descriptors alone, and who may call which."""

from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pool import Default
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import causeway.bridge.v1.event_service_pb2
import causeway.bridge.v1.operations_service_pb2
import causeway.inventory.v1.events_pb2
import causeway.notifications.v1.notification_service_pb2
import causeway.orders.v1.events_pb2
import causeway.orders.v1.order_service_pb2
import causeway.users.v1.user_service_pb2  # noqa: F401 (loaded into the pool)
from causeway.options.v1 import options_pb2

SERVICES = (
    "causeway.bridge.v1.EventService",
    "causeway.bridge.v1.OperationsService",
    "causeway.notifications.v1.NotificationService",
    "causeway.orders.v1.OrderService",
    "causeway.users.v1.UserService",
)
REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].full_name
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


@dataclass(frozen=True, slots=True)
class Method:
    """One method: `path` as gRPC spells it, `owner`: handlers may let in who has no role."""

    name: str
    path: str
    request: Descriptor
    client_streams: bool
    server_streams: bool
    public: bool
    open: bool
    roles: frozenset[str]
    owner: bool
    pause: float

    @property
    def area(self) -> str:
        """Which service's processes answer: `orders`; health and reflection: every one."""
        return self.name.split(".")[1] if self.name.startswith("causeway.") else "bridge"

    def admits(self, roles: frozenset[str] | None) -> bool:
        """Whether a caller with these roles (None: without a token) passes the access rule."""
        if roles is None:
            return self.public
        return self.public or self.open or self.owner or not self.roles.isdisjoint(roles)

    def __str__(self) -> str:
        return self.name.removeprefix("causeway.")


def surface() -> list[Method]:
    """Every method that the edge routes, reflection included."""
    names = (*SERVICES, REFLECTION)
    return [
        method_of(method) for name in names for method in Default().FindServiceByName(name).methods
    ]


def method_of(declared: MethodDescriptor) -> Method:
    """Read a descriptor."""
    access = declared.GetOptions().Extensions[options_pb2.access]
    limit = access.rate_limit
    return Method(
        name=declared.full_name,
        path=f"/{declared.containing_service.full_name}/{declared.name}",
        request=declared.input_type,
        client_streams=declared.client_streaming,
        server_streams=declared.server_streaming,
        public=access.public or declared.containing_service.full_name == HEALTH,
        open=declared.containing_service.full_name == REFLECTION,
        roles=frozenset(access.roles),
        owner=access.owner != options_pb2.Access.OWNER_UNSPECIFIED,
        # Half of the limit is left to whoever else is testing.
        pause=2 * limit.interval.ToTimedelta().total_seconds() / limit.requests
        if limit.requests
        else 0.0,
    )
