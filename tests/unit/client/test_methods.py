from causeway.bridge.v1.event_service_pb2 import PublishEventRequest
from causeway.orders.v1.order_service_pb2 import CreateOrderRequest, GetOrderRequest
from client.methods import is_public, may_repeat, roles_for, surface

CREATE = "/causeway.orders.v1.OrderService/CreateOrder"


def test_every_method_of_the_platform_is_known() -> None:
    assert CREATE in surface()
    assert len({path.split("/")[1] for path in surface()}) == 5


def test_only_registration_is_public() -> None:
    assert [path for path in surface() if is_public(path)] == [
        "/causeway.users.v1.UserService/RegisterUser"
    ]


def test_reads_may_be_repeated_and_writes_with_a_request_id() -> None:
    assert may_repeat("/causeway.orders.v1.OrderService/GetOrder", GetOrderRequest())
    assert not may_repeat(CREATE, CreateOrderRequest())
    assert may_repeat(CREATE, CreateOrderRequest(request_id="x"))


def test_an_unknown_method_is_never_repeated() -> None:
    assert not may_repeat("/other.v1.Service/Do", PublishEventRequest())
    assert roles_for("/other.v1.Service/Do") == ()
