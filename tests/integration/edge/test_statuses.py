"""Every refusal has one shape over REST and a proper grpc-status over gRPC."""

import grpc
import pytest

from causeway.orders.v1.order_service_pb2 import GetOrderRequest, Order
from causeway.users.v1.user_service_pb2 import RegisterUserRequest, User
from gateway.deployments import Address
from tests.integration.edge.bench import HOST, Running
from tests.integration.edge.conftest import Start
from tests.integration.edge.issuer import Issuer
from tests.ports import free_port

ORDERS = "/causeway.orders.v1.OrderService"
USERS = "/causeway.users.v1.UserService"

REST = {
    "a call without a token": ("GET", "/v1/orders/7", None, None, 401, 16),
    "a call with a wrong role": ("POST", "/v1/orders/7:ship", ["customer"], b"{}", 403, 7),
    "an unknown path without a token": ("GET", "/v1/nothing", None, None, 401, 16),
    "an unknown path with a token": ("GET", "/v1/nothing", ["customer"], None, 404, 5),
    "a gRPC path as plain GET": ("GET", f"{ORDERS}/GetOrder", ["operator"], None, 404, 5),
    "a body that is no JSON": ("POST", "/v1/orders", ["customer"], b"{x", 400, 3),
    "a body of a wrong type": ("POST", "/v1/orders", ["customer"], b'{"items": 7}', 400, 3),
    "an unknown query parameter": ("GET", "/v1/orders/7?x=1", ["operator"], None, 400, 3),
    "an escaped slash": ("GET", "/v1/orders%2f7", ["operator"], None, 400, 3),
    "an error of the service": ("GET", "/v1/orders/missing", ["operator"], None, 404, 5),
}


@pytest.mark.parametrize("case", REST)
def test_a_rest_refusal_is_one_json_status(edge: Running, issuer: Issuer, case: str) -> None:
    verb, path, roles, body, status, code = REST[case]
    token = issuer.token(*roles) if roles else ""
    answer = edge.rest(verb, path, token, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["code"] == code
    assert isinstance(told["message"], str)
    assert set(told) <= {"code", "message", "details"}


def test_a_401_tells_the_scheme(edge: Running) -> None:
    answer = edge.rest("GET", "/v1/orders/7")
    assert answer.headers.get_list("www-authenticate") == ['Bearer realm="causeway"']
    assert "Bearer" in answer.json()["message"]


def test_a_token_that_was_sent_is_called_invalid_and_an_expired_one_is_told(
    edge: Running, issuer: Issuer
) -> None:
    for token in ("x.y.z", issuer.token("operator", exp=1)):
        answer = edge.rest("GET", "/v1/orders/7", token)
        told = answer.headers.get_list("www-authenticate")
        assert (answer.status_code, told) == (
            401,
            ['Bearer realm="causeway", error="invalid_token"'],
        )
    assert "expired" in answer.json()["message"]
    expired = issuer.token("operator", exp=1)
    assert "expired" in edge.grpc(f"{ORDERS}/GetOrder", token=expired).message


def test_a_403_tells_what_is_missing(edge: Running, issuer: Issuer) -> None:
    customer = issuer.token("customer")
    asked = "this method asks for an access token of this platform"
    answer = edge.rest("POST", "/v1/orders/7:ship", customer, json={})
    assert answer.json()["message"] == f"{asked} with the role operator"
    assert edge.grpc(f"{ORDERS}/ShipOrder", token=customer).message == answer.json()["message"]
    foreign = edge.rest("GET", "/v1/orders/7", issuer.token("customer", azp="stranger"))
    assert foreign.json()["message"] == asked
    elsewhere = edge.rest("GET", "/v1/orders/7", issuer.token("customer", aud="account"))
    assert "aud" in elsewhere.json()["message"]
    assert (
        edge.grpc(f"{ORDERS}/No", token=customer).message == "there is no such method for callers"
    )


def test_keys_that_can_not_be_had_are_our_trouble_and_not_the_callers(
    start: Start, operator: str
) -> None:
    """As after a restart of the edge while Keycloak is away."""
    edge = start(keycloak=Address(HOST, free_port()), awaited="/healthz")
    answer = edge.rest("GET", "/v1/orders/7", operator)
    assert (answer.status_code, answer.json()["code"]) == (503, 14)
    assert "www-authenticate" not in answer.headers
    called = edge.grpc(f"{ORDERS}/GetOrder", token=operator)
    assert called.code is grpc.StatusCode.UNAVAILABLE
    assert edge.rest("GET", "/v1/orders/7").status_code == 401
    assert edge.rest("GET", "/readyz").status_code == 503


def test_details_of_a_service_reach_the_rest_caller(edge: Running, operator: str) -> None:
    told = edge.rest("GET", "/v1/orders/missing", operator).json()
    assert told["message"] == "no such order"
    assert told["details"][0]["reason"] == "ORDER_NOT_FOUND"


GRPC = {
    "without a token": (f"{ORDERS}/GetOrder", None, grpc.StatusCode.UNAUTHENTICATED),
    "with a wrong role": (f"{ORDERS}/ShipOrder", ["customer"], grpc.StatusCode.PERMISSION_DENIED),
    "of an unknown method": (f"{ORDERS}/Nothing", ["admin"], grpc.StatusCode.PERMISSION_DENIED),
    "of an unknown service": ("/other.v1.Service/X", ["admin"], grpc.StatusCode.PERMISSION_DENIED),
    "of an unknown method without a token": (
        f"{ORDERS}/Nothing",
        None,
        grpc.StatusCode.UNAUTHENTICATED,
    ),
    "of health, which is not for callers": (
        "/grpc.health.v1.Health/Check",
        ["admin"],
        grpc.StatusCode.PERMISSION_DENIED,
    ),
    "with a query on the path": (
        f"{ORDERS}/GetOrder?x=1",
        ["operator"],
        grpc.StatusCode.PERMISSION_DENIED,
    ),
    "with the right role": (f"{ORDERS}/ShipOrder", ["operator"], grpc.StatusCode.OK),
}


@pytest.mark.parametrize("case", GRPC)
def test_a_grpc_call(edge: Running, issuer: Issuer, case: str) -> None:
    path, roles, code = GRPC[case]
    answer = edge.grpc(path, token=issuer.token(*roles) if roles else "")
    assert answer.code is code
    assert "{" not in answer.message  # REST's JSON is not for gRPC callers


def test_an_owner_method_lets_any_caller_through_to_the_service(
    edge: Running, issuer: Issuer
) -> None:
    answer = edge.grpc(
        f"{ORDERS}/GetOrder",
        GetOrderRequest(name="orders/7").SerializeToString(),
        issuer.token("customer"),
    )
    assert Order.FromString(answer.body).name == "orders/7"


def test_registration_needs_no_token_by_rest_or_grpc(edge: Running) -> None:
    answer = edge.rest("POST", "/v1/users:register", json={"username": "alice"})
    assert (answer.status_code, answer.json()["username"]) == (200, "alice")
    request = RegisterUserRequest(username="bob").SerializeToString()
    called = edge.grpc(f"{USERS}/RegisterUser", request)
    assert User.FromString(called.body).username == "bob"


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v1/users:register"),
        ("POST", "/v1/users:register/"),
        ("POST", "/v1/users:Register"),
        ("POST", "/v1/users:registerx"),
        ("POST", "/v1/users:register/../../v1/users/7:deactivate"),
        ("POST", "/v1/users/7:register"),
        ("GET", "/v1/users"),
    ],
)
def test_nothing_beside_registration_is_public(edge: Running, verb: str, path: str) -> None:
    assert edge.rest(verb, path, content=b"{}").status_code == 401


def test_health_needs_no_token(edge: Running) -> None:
    assert edge.rest("GET", "/healthz").status_code == 200
    assert edge.rest("GET", "/readyz").status_code == 200
