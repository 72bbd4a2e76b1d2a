"""What the edge lets through and writes down: sizes, times, many calls. Attacks: tests/security."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import httpx
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from causeway.orders.v1.order_service_pb2 import CancelOrderRequest, GetOrderRequest
from causeway.users.v1.user_service_pb2 import RegisterUserRequest
from gateway.deployments import Limits
from gateway.envoy.edge import Edge
from gateway.model import RateLimit
from tests.integration.edge.bench import Running, seen
from tests.integration.edge.conftest import Start
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.wire import get, raw, status

GET = "/causeway.orders.v1.OrderService/GetOrder"
CANCEL = "/causeway.orders.v1.OrderService/CancelOrder"
REGISTER = "/causeway.users.v1.UserService/RegisterUser"


def test_the_request_id_is_the_edges_own(edge: Running, operator: str) -> None:
    forged = {"x-request-id": "0000"}
    answer = edge.rest("GET", "/v1/orders/7", operator, headers=forged)
    assert answer.headers["x-request-id"] != "0000"
    assert seen(answer.headers)["x-request-id"] == answer.headers["x-request-id"]


def test_the_server_is_not_told(edge: Running, operator: str) -> None:
    answer = edge.rest("GET", "/v1/orders/7", operator)
    assert answer.headers["server"] == "causeway"
    assert not [name for name in answer.headers if name.startswith("x-envoy")]


def test_headers_with_underscores_and_too_many_are_refused(edge: Running, operator: str) -> None:
    assert status(raw(edge, get("/v1/orders/7", operator, "x_sub: root"))) == 400
    many = [f"x-h{n}: 1" for n in range(70)]
    assert status(raw(edge, get("/v1/orders/7", operator, *many))) == 431
    assert status(raw(edge, get("/v1/orders/7", operator, f"x-h: {'x' * 20_000}"))) == 431


def test_an_unknown_host_reaches_nothing(edge: Running, operator: str) -> None:
    known = get("/v1/orders/7", operator)
    assert status(raw(edge, known)) == 200
    assert status(raw(edge, known.replace(b"host: localhost", b"host: evil.example"))) == 404


def test_a_request_above_its_size_is_refused(edge: Running, operator: str) -> None:
    big = CancelOrderRequest(name="orders/7", request_id="x" * 70_000).SerializeToString()
    assert edge.grpc(CANCEL, big, operator).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    answer = edge.rest("POST", "/v1/orders/7:cancel", operator, json={"requestId": "x" * 70_000})
    assert (answer.status_code, answer.json()["code"]) == (413, 8)
    huge = edge.rest("POST", "/v1/orders/7:cancel", operator, json={"requestId": "x" * 400_000})
    assert huge.status_code == 413


def test_a_method_may_have_a_size_of_its_own(edge: Running) -> None:
    # What ends in the frame that crosses the limit passes: the service is exact.
    request = RegisterUserRequest(username="x" * 30_000).SerializeToString()
    assert edge.grpc(REGISTER, request).code is grpc.StatusCode.RESOURCE_EXHAUSTED


def shortened(edge: Edge) -> RouteConfiguration:
    routes = RouteConfiguration()
    routes.CopyFrom(edge.routes)
    for route in routes.virtual_hosts[0].routes:
        if route.match.path == GET:
            route.route.timeout.FromMilliseconds(500)
            longest = route.route.max_stream_duration
            longest.max_stream_duration.FromMilliseconds(700)
            longest.grpc_timeout_header_max.FromMilliseconds(700)
    return routes


def test_a_slow_service_is_a_deadline(start: Start, operator: str) -> None:
    edge = start(lambda edge: replace(edge, routes=shortened(edge)))
    answer = edge.rest("GET", "/v1/orders/slow", operator)
    assert (answer.status_code, answer.json()["code"]) == (504, 4)
    request = GetOrderRequest(name="orders/slow").SerializeToString()
    assert edge.grpc(GET, request, operator).code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_callers_longer_timeout_does_not_count(start: Start, operator: str) -> None:
    edge = start(lambda edge: replace(edge, routes=shortened(edge)))
    begun = time.monotonic()
    request = GetOrderRequest(name="orders/slow").SerializeToString()
    edge.grpc(GET, request, operator)  # asks for 15 s
    assert time.monotonic() - begun < 12


def test_registrations_are_limited_by_address_and_method(start: Start, operator: str) -> None:
    edge = start()
    with httpx.Client(base_url=edge.url) as client:
        answers = [client.post("/v1/users:register", json={}) for _ in range(100)]
        assert {200, 429} == {answer.status_code for answer in answers}
        assert answers[0].headers["x-ratelimit-limit"].startswith("20")
    # gRPC draws from the same bucket; other methods do not.
    with ThreadPoolExecutor(4) as pool, edge.channel() as channel:
        call = channel.unary_unary(REGISTER, lambda b: b, lambda b: b)
        codes = [*pool.map(lambda _: call.future(b"").code(), range(100))]
    assert codes.count(grpc.StatusCode.OK) < 20
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) > 80
    assert edge.rest("GET", "/v1/orders/7", operator).status_code == 200


def test_each_caller_has_a_bucket(start: Start, issuer: Issuer) -> None:
    edge = start(limits=Limits(caller=RateLimit(5, 60.0)))
    one, two = issuer.token("operator", sub="one"), issuer.token("operator", sub="two")
    codes = [edge.grpc(GET, token=one).code for _ in range(8)]
    assert codes.count(grpc.StatusCode.OK) == 5
    assert set(codes[5:]) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert edge.rest("GET", "/v1/orders/7", one).status_code == 429
    answer = edge.rest("GET", "/v1/orders/7", two)
    assert answer.status_code == 200
    assert answer.headers["x-ratelimit-remaining"] == "4"


def test_all_together_are_limited_before_anything_else(start: Start) -> None:
    edge = start(limits=Limits(total=RateLimit(20, 60.0)))
    codes = [edge.rest("GET", "/v1/orders/7").status_code for _ in range(25)]
    assert set(codes) == {401, 429}
    answer = edge.rest("GET", "/v1/orders/7")
    assert answer.json()["code"] == 8
    assert edge.grpc(GET).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert edge.rest("GET", "/healthz").status_code == 200


def test_the_log_holds_nothing_that_a_caller_typed(
    start: Start, operator: str, issuer: Issuer
) -> None:
    edge = start()
    edge.rest("GET", f"/v1/orders/7?access_token={operator}&secret=hush")
    edge.rest("GET", f"/v1/users/hush/{operator}", operator)
    edge.rest("POST", "/v1/orders", operator, content=b'{"hush":')
    edge.rest(
        "GET", "/v1/orders/hush", operator, headers={"traceparent": "hush", "referer": "hush"}
    )
    edge.grpc(f"/hush.v1.Hush/{'Hush' * 9}", token=issuer.token("operator", azp="hush"))
    edge.process.terminate()
    edge.process.wait(10)
    log = (edge.root / "envoy.log").read_text()
    assert '"status":401' in log
    assert f'"path":"{GET}"' in log  # the method that the REST call became
    assert '"path":"unknown"' in log
    assert operator not in log
    assert "hush" not in log.lower()


def test_one_address_can_not_use_up_what_is_there_for_all(start: Start, operator: str) -> None:
    edge = start(limits=Limits(address=RateLimit(10, 60.0), total=RateLimit(15, 60.0)))
    codes = [edge.rest("GET", "/v1/orders/7").status_code for _ in range(30)]
    assert codes.count(401) == 10
    assert set(codes[10:]) == {429}
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
        assert [other.get(edge.url + "/v1/orders/7").status_code for _ in range(5)] == [401] * 5
