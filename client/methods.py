"""What the protos say about a method that is about to be called."""

from functools import cache

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from causeway.bridge.v1 import event_service_pb2, operations_service_pb2
from causeway.notifications.v1 import notification_service_pb2
from causeway.options.v1 import options_pb2
from causeway.orders.v1 import order_service_pb2
from causeway.users.v1 import user_service_pb2

SURFACE = (
    user_service_pb2,
    order_service_pb2,
    notification_service_pb2,
    event_service_pb2,
    operations_service_pb2,
)
REQUEST_ID = "request_id"


@cache
def surface() -> dict[str, MethodDescriptor]:
    """Every method of the platform by its path, `/package.Service/Method`."""
    return {
        f"/{service.full_name}/{method.name}": method
        for module in SURFACE
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def is_public(path: str) -> bool:
    """Whether the method asks for no token."""
    method = surface().get(path)
    return method is not None and _access(method).public


def roles_for(path: str) -> tuple[str, ...]:
    """The roles of which a caller needs one; empty for a method that is not known here."""
    method = surface().get(path)
    return () if method is None else tuple(_access(method).roles)


def may_repeat(path: str, request: Message) -> bool:
    """Whether sending it twice has the effect of once: it says so, or it has a `request_id`."""
    method = surface().get(path)
    if method is None:
        return False
    unsafe = MethodOptions.IDEMPOTENCY_UNKNOWN
    return method.GetOptions().idempotency_level != unsafe or bool(getattr(request, REQUEST_ID, ""))


def takes_request_id(request: Message) -> bool:
    """Whether the request has the field of AIP-155."""
    return REQUEST_ID in request.DESCRIPTOR.fields_by_name


def _access(method: MethodDescriptor) -> options_pb2.Access:
    return method.GetOptions().Extensions[options_pb2.access]
