"""Paths that mean something else to those who read them one after the other.

Authorization is on the canonical gRPC path and on the message: a path that is read in another way
changes which call it is, and never whose rules it is under.
"""

import json

import pytest

from causeway.orders.v1.order_service_pb2 import ShipOrderRequest
from tests.integration.edge.issuer import Issuer
from tests.security import http1, http2
from tests.security.callers import (
    OK,
    PERMISSION_DENIED,
    UNAUTHENTICATED,
    Ports,
    bearer,
    grpc,
    leaks,
    message,
    told_by_rest,
)
from tests.security.conftest import Target

RESET = 0
"""HTTP/2 has no answer to a path that it does not allow: the stream is reset."""
JSON = (("content-type", "application/json"),)

# What a customer, who may not ship, is told over HTTP/1.1 and over HTTP/2.
REST: dict[str, tuple[int, int]] = {
    "/v1/orders/7:ship": (403, 403),
    "//v1//orders/7:ship": (403, 403),
    "/v1/./orders/7:ship": (403, 403),
    "/v1/users/../orders/7:ship": (403, 403),
    "/v1/users/%2e%2e/orders/7:ship": (403, 403),
    "/v1/users/.%2E/orders/7:ship": (403, 403),
    "/v1/orders/x/../7:ship": (403, 403),
    "/v1/orders/..;/orders/7:ship": (403, 403),  # an order named "..;" that has an order named 7
    "/v1/users:register/../orders/7:ship": (403, 403),
    "/../../v1/orders/7:ship": (403, 403),
    "/v1/orders\\7:ship": (403, 403),
    "/v1/orders/%37:ship": (403, 403),
    "/v1/orders/7:%73hip": (403, 403),
    "/v1/%6frders/7:ship": (403, 403),
    "/v1/orders/7%3Aship": (404, 404),
    "/v1/orders%2f7:ship": (400, 400),
    "/v1/orders%2F7:ship": (400, 400),
    "/v1/orders%5c7:ship": (400, 400),
    "/v1/orders%252f7:ship": (404, 404),
    "/v1/orders/%252e%252e/7:ship": (404, 404),
    "/v1/orders/7:ship%00": (400, 400),
    "/v1/orders/7%00:ship": (400, 400),
    "/v1/orders/7:ship%0d%0ax: y": (400, RESET),
    "/v1/orders/7:ship/": (404, 404),
    "/v1/orders/7:ship//": (404, 404),
    "/v1/orders/7:ship;x=y": (404, 404),
    "/v1/orders;x=y/7:ship": (404, 404),
    "/v1/orders/7:SHIP": (404, 404),
    "/V1/orders/7:ship": (404, 404),
    "/v1/Orders/7:ship": (404, 404),
    "/v1/orders/7:ship.json": (404, 404),
    "/v1/orders/7:ship#:get": (400, 400),
    "/v1/orders/7:ship?": (403, 403),
    "/v1/orders/７:ship": (400, 403),
    "/v1/orders/7\t:ship": (400, RESET),
    "v1/orders/7:ship": (400, RESET),
    "http://localhost/v1/orders/7:ship": (403, RESET),
    "http://evil.example/v1/orders/7:ship": (403, RESET),
    "/causeway.orders.v1.OrderService/ShipOrder": (404, 404),
    "*": (400, RESET),
}


def over_1(ports: Ports, verb: str, path: str, token: str, body: bytes | None = b"{}") -> int:
    headers = (*JSON, *(bearer(token) if token else ()))
    answer = http1.send(ports.edge, verb, path, headers, body)
    told = told_by_rest(answer.status, answer.headers, answer.body)
    assert not leaks(told)
    return told.http


def over_2(ports: Ports, verb: str, path: str, token: str, body: bytes | None = b"{}") -> int:
    headers = (*JSON, *(bearer(token) if token else ()))
    with http2.Connection(ports.edge) as connection:
        reply = connection.request([*http2.pseudo(verb, path), *headers], body)
    if not reply.status:
        return RESET
    told = told_by_rest(reply.status, reply.headers, reply.body)
    assert not leaks(told)
    return told.http


@pytest.mark.parametrize("path", REST)
def test_no_spelling_of_a_rest_path_ships_for_a_customer(
    ports: Ports, issuer: Issuer, path: str
) -> None:
    token = issuer.token("customer")
    told = over_1(ports, "POST", path, token), over_2(ports, "POST", path, token)
    assert told == REST[path]


@pytest.mark.parametrize("path", REST)
def test_no_spelling_of_a_rest_path_tells_more_without_a_token(ports: Ports, path: str) -> None:
    """What is there and what is not are one to who has no token."""
    told = over_1(ports, "POST", path, ""), over_2(ports, "POST", path, "")
    assert told == tuple(401 if http in (403, 404) else http for http in REST[path])


SERVICE, SHIP = "/causeway.orders.v1.OrderService", "/causeway.orders.v1.OrderService/ShipOrder"
REGISTER = "/causeway.users.v1.UserService/RegisterUser"
# Whether an operator, who may ship, ships by this path: only what is SHIP once it is normalized.
GRPC: dict[str, bool] = {
    SHIP: True,
    f"/{SHIP}": True,
    f"/x/..{SHIP}": True,
    f"{REGISTER}/../..{SHIP}": True,
    f"{SERVICE}/GetOrder/../ShipOrder": True,
    f"{SERVICE}/%53hipOrder": True,
    f"{SERVICE}//ShipOrder": True,
    f"{SERVICE}\\ShipOrder": True,
    "/causeway.orders%2ev1.OrderService/ShipOrder": True,
    f"{SERVICE}%2fShipOrder": False,
    f"{SERVICE}%5cShipOrder": False,
    f"{SERVICE}%252fShipOrder": False,
    f"{SHIP}/": False,
    f"{SHIP}?": False,
    f"{SHIP}?x=1": False,
    f"{SHIP};x": False,
    f"{SHIP}#x": False,
    f"{SHIP}%00": False,
    f"{SHIP}%20": False,
    f"{SHIP} ": False,
    SHIP.upper(): False,
    SHIP.lower(): False,
    SHIP[1:]: False,
    f"http://localhost{SHIP}": False,
    f"{REGISTER};{SHIP}": False,
    f"{REGISTER}?{SHIP}": False,
    f"{REGISTER}#{SHIP}": False,
    "/v1/orders/7:ship": False,
    "/v1/users:register": False,
    "": False,
    "/": False,
    "*": False,
}
SHIPPING = message(ShipOrderRequest(name="orders/7").SerializeToString())


def ships(port: int, path: str, token: str = "") -> int | None:
    """gRPC's code; None where the stream was reset or the connection closed."""
    reply = grpc(port, path, SHIPPING, bearer(token) if token else ())
    if not reply.status:
        return None
    assert reply.status == 200, reply
    return int(reply.headers["grpc-status"])


@pytest.mark.parametrize("path", GRPC)
def test_no_spelling_of_a_grpc_path_ships_for_a_customer(
    ports: Ports, issuer: Issuer, path: str
) -> None:
    customer, operator = issuer.token("customer"), issuer.token("operator")
    assert (ships(ports.edge, path, operator) == OK) is GRPC[path]
    assert ships(ports.edge, path, customer) not in (OK, UNAUTHENTICATED)
    assert ships(ports.edge, path) not in (OK,)


@pytest.mark.parametrize("path", [path for path in GRPC if path != SHIP])
def test_past_the_edge_only_the_exact_path_is_a_method(
    ports: Ports, issuer: Issuer, path: str
) -> None:
    assert ships(ports.service, path, issuer.token("admin")) == PERMISSION_DENIED
    assert ships(ports.service, path) == UNAUTHENTICATED


ME = "0198-somebody"  # the subject of the issuer's tokens
# Verb, path with a query that says something else, and what the caller, who owns ME alone, gets.
OVERRIDES: dict[str, tuple[str, str, bytes | None, int]] = {
    "of a name": ("GET", f"/v1/users/{ME}?name=users/other", None, 404),
    "of a name, twice": ("GET", f"/v1/users/{ME}?name=users/{ME}&name=users/other", None, 404),
    "of a name by its encoding": ("GET", f"/v1/users/{ME}?n%61me=users%2Fother", None, 404),
    "of a nested name": ("PATCH", f"/v1/users/{ME}?user.name=users/other", b"{}", 404),
    "of a nested name in JSON's spelling": (
        "PATCH",
        f"/v1/users/{ME}?user.displayName=x&user.name=users/other",
        b"{}",
        404,
    ),
    "of a name in the body": ("PATCH", f"/v1/users/{ME}", b'{"name":"users/other"}', 400),
    "of a field that is not there": ("GET", f"/v1/users/{ME}?id=other", None, 400),
    "of the caller": ("GET", f"/v1/users/{ME}?sub=other&user=other", None, 400),
    "of the verb": ("GET", f"/v1/users/{ME}?_method=DELETE", None, 400),
    "of the rule": ("GET", f"/v1/users/{ME}?access.public=true", None, 400),
}


@pytest.mark.parametrize("case", OVERRIDES)
def test_an_override_reaches_nobody_elses(target: Target, issuer: Issuer, case: str) -> None:
    verb, path, body, status = OVERRIDES[case]
    token = issuer.token("customer")
    assert over_1(target.ports, verb, path, token, body) == status
    assert over_2(target.ports, verb, path, token, body) == status


def test_ones_own_is_reached_without_an_override(target: Target, issuer: Issuer) -> None:
    token = issuer.token("customer")
    answer = http1.send(target.ports.edge, "GET", f"/v1/users/{ME}", bearer(token))
    assert json.loads(answer.body)["name"] == f"users/{ME}"
    assert over_1(target.ports, "PATCH", f"/v1/users/{ME}", token) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.1.1.1", "localhost@x"]
)
def test_another_host_is_nobodys_and_is_told_so(ports: Ports, issuer: Issuer, host: str) -> None:
    customer, operator = issuer.token("customer"), issuer.token("operator")
    for token, status in ((customer, 403), (operator, 404), ("", 401)):
        headers = (("host", host), *JSON, *(bearer(token) if token else ()))
        answer = http1.send(ports.edge, "POST", "/v1/orders/7:ship", headers, b"{}")
        told = told_by_rest(answer.status, answer.headers, answer.body)
        assert told.http == status, told
        assert not leaks(told)
