"""A browser's EventSource sets no header: its token comes in a cookie, which opens nothing else."""

import json

import httpx
import pytest

from causeway.orders.v1.order_service_pb2 import WatchOrderRequest
from gateway.surface import COOKIE
from tests.integration.edge.bench import ORIGIN, Replica, Running, seen, until
from tests.integration.edge.conftest import Start
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.settings.edits import without
from tests.integration.edge.streams.reading import NDJSON, SSE, opened, records

WATCH = "/causeway.orders.v1.OrderService/WatchOrder"
STREAM = "/v1/orders/7:watch"


def cookie(token: str) -> str:
    return f"theme=dark; {COOKIE}={token}; more=1"


def test_an_event_source_is_let_in_by_its_cookie(streams: Running, operator: str) -> None:
    with opened(streams, "7", SSE, cookie=cookie(operator)) as answer:
        assert answer.status_code == 200
        assert [*records(answer)][-1]["end"]["code"] == 0


def test_a_page_of_an_allowed_origin_may_read_it(streams: Running, operator: str) -> None:
    with opened(streams, "7", SSE, cookie=cookie(operator), origin=ORIGIN) as answer:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"


def test_a_page_of_the_edge_itself_may_too(streams: Running, operator: str) -> None:
    with opened(streams, "7", SSE, cookie=cookie(operator), sec_fetch_site="same-origin") as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": f"{ORIGIN}.evil.example"},
        {"origin": ORIGIN.replace("localhost", "localhostx")},
        {"origin": "null"},
        # What a foreign page sends that does not want to read the answer.
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_a_foreign_page_is_not_let_in_by_a_cookie(
    streams: Running, operator: str, headers: dict[str, str]
) -> None:
    with opened(streams, "7", SSE, cookie=cookie(operator), **headers) as answer:
        assert answer.status_code == 401
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("verb", "path", "accept"),
    [
        ("GET", STREAM, "*/*"),
        ("GET", STREAM, NDJSON),
        ("HEAD", STREAM, SSE),
        ("POST", STREAM, SSE),
        ("GET", "/v1/orders/7", SSE),
        ("GET", "/v1/orders", SSE),
        ("GET", "/v1/orders/7/8:watch", SSE),
        ("POST", "/v1/orders", SSE),
        ("POST", "/v1/orders/7:cancel", SSE),
        ("PATCH", "/v1/preferences", SSE),
        ("GET", WATCH, SSE),
        ("POST", WATCH, SSE),
    ],
)
def test_a_cookie_opens_nothing_else(
    streams: Running, operator: str, verb: str, path: str, accept: str
) -> None:
    headers = {"cookie": cookie(operator), "accept": accept}
    content = b"" if verb in ("GET", "HEAD") else b"{}"
    assert streams.rest(verb, path, headers=headers, content=content).status_code == 401


@pytest.mark.parametrize("kind", ["application/grpc-web+proto", "application/grpc"])
def test_a_cookie_opens_no_method_over_grpc_web(streams: Running, operator: str, kind: str) -> None:
    request = WatchOrderRequest(name="orders/7").SerializeToString()
    headers = {"content-type": kind, "accept": SSE, "cookie": cookie(operator)}
    body = b"\0" + len(request).to_bytes(4, "big") + request
    answer = streams.rest("POST", WATCH, headers=headers, content=body)
    assert answer.headers["grpc-status"] == "16"


def test_a_cookie_opens_no_method_over_grpc(streams: Running, operator: str) -> None:
    request = WatchOrderRequest(name="orders/7").SerializeToString()
    answer = streams.grpc(WATCH, request, accept=SSE, cookie=cookie(operator))
    assert answer.code.name == "UNAUTHENTICATED"


def test_a_token_in_a_cookie_is_held_against_the_same_rules(
    streams: Running, issuer: Issuer
) -> None:
    for token, status in (
        (issuer.token("operator", exp=1), 401),
        (issuer.token("operator", iss="https://evil.example"), 401),
        (issuer.token("operator", aud="account"), 403),
        (issuer.token("operator", typ="ID"), 403),
        (issuer.token("operator") + "x", 401),
        ("", 401),
    ):
        with opened(streams, "7", SSE, cookie=cookie(token)) as answer:
            assert answer.status_code == status


def test_the_header_goes_before_the_cookie(streams: Running, issuer: Issuer, operator: str) -> None:
    old = cookie(issuer.token("operator", exp=1))
    with opened(streams, "7", SSE, operator, cookie=old) as answer:
        assert answer.status_code == 200
    with opened(streams, "7", SSE, issuer.token("operator", exp=1), cookie=old) as answer:
        assert answer.status_code == 401


def test_services_see_no_cookie_but_the_token_where_they_look_for_it(
    edge: Running, operator: str
) -> None:
    with opened(edge, "7", SSE, cookie=cookie(operator)) as answer:
        arrived = seen(answer.headers)
    assert arrived["authorization"] == f"Bearer {operator}"
    assert "cookie" not in arrived
    unary = edge.rest("GET", "/v1/orders/7", operator, headers={"cookie": "session=1"})
    assert "cookie" not in seen(unary.headers)


def test_without_the_move_a_service_lets_no_event_source_in(
    start: Start, service: Replica, operator: str
) -> None:
    unmoved = without("routes", "virtual_hosts.routes.request_headers_to_add")
    with opened(start(unmoved, [service]), "7", SSE, cookie=cookie(operator)) as answer:
        assert answer.status_code == 401


def test_the_log_tells_how_a_stream_ended_and_holds_neither_cookie_nor_token(
    streams: Running, operator: str
) -> None:
    with opened(streams, "late", SSE, cookie=cookie(operator)) as answer:
        request_id: str = answer.headers["x-request-id"]
        assert [*records(answer)]
    log = streams.root / "envoy.log"
    assert until(lambda: request_id in log.read_text(), 15)  # Envoy writes every 10 s
    [line] = [line for line in log.read_text().splitlines() if request_id in line]
    assert json.loads(line)["grpc_status"] == 11
    assert operator not in log.read_text()
    assert COOKIE not in log.read_text()


def test_credentials_are_allowed_for_nothing_else(streams: Running, operator: str) -> None:
    answer: httpx.Response = streams.rest(
        "GET", "/v1/orders/7", operator, headers={"origin": ORIGIN, "accept": "application/json"}
    )
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
