"""Which method a path reaches, told from the bindings alone."""

import pytest

from gateway.proof.surface import Surface
from gateway.proof.templates import Resolver, normalized


@pytest.mark.parametrize(
    ("verb", "path", "method"),
    [
        ("GET", "/v1/orders/7", "GetOrder"),
        ("GET", "/v1/orders/7/", "GetOrder"),
        ("GET", "//v1//orders/./7", "GetOrder"),
        ("GET", "/v1/x/../orders/7", "GetOrder"),
        ("GET", "/v1/%6frders/7", "GetOrder"),
        ("GET", "/v1/orders/7;x", "GetOrder"),
        ("GET", "/v1/orders/7:nothing", "GetOrder"),
        ("GET", "/v1/orders/7?name=orders/8", "GetOrder"),
        ("POST", "/v1/orders/7:ship", "ShipOrder"),
        ("GET", "/v1/orders/7/events", "ListOrderEvents"),
        ("GET", "/v1/orders/7:ship", None),
        ("POST", "/v1/orders/7:ship;x", None),
        ("POST", "/v1/orders/7", None),
        ("POST", "/v1/users:register/", None),
        ("GET", "/v1/orders%2f7", None),
        ("GET", "/V1/orders/7", None),
        ("GET", "/v1/orders/7/8", None),
        ("GET", "/v1", None),
    ],
)
def test_a_rest_path_reaches(promise: Surface, verb: str, path: str, method: str | None) -> None:
    found = Resolver(promise.rpcs).rest(verb, path)
    assert (found and found.path.rpartition("/")[2]) == method


def test_a_query_makes_another_path_of_a_grpc_path(promise: Surface) -> None:
    resolver = Resolver(promise.rpcs)
    path = "/causeway.orders.v1.OrderService/GetOrder"
    assert resolver.grpc(path)
    assert resolver.grpc(f"/{path}")
    assert not resolver.grpc(f"{path}?x=1")
    assert not resolver.grpc(path.lower())


@pytest.mark.parametrize(
    ("path", "normal"),
    [("/a/../b", "/b"), ("/a/./b", "/a/b"), ("/a/b/..", "/a/"), ("\\a\\b", "/a/b")],
)
def test_a_path_is_put_right_as_the_edge_does(path: str, normal: str) -> None:
    assert normalized(path) == normal
