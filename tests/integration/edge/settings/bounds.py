"""How much and how long: rates, sizes, times, connections, tries."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx

from causeway.orders.v1.order_service_pb2 import GetOrderRequest
from gateway.deployments import Limits
from gateway.envoy import names
from gateway.model import RateLimit
from tests.integration.edge.bench import HOST
from tests.integration.edge.settings.edits import Change, edited, moved, without
from tests.integration.edge.settings.frames import settings_of
from tests.integration.edge.settings.setting import Asked, Setting
from tests.integration.edge.wire import answer, get

ORDER = "/v1/orders/7"
GET = "/causeway.orders.v1.OrderService/GetOrder"
CALLER = {"limits": Limits(caller=RateLimit(3, 60.0))}
TOTAL = {"limits": Limits(total=RateLimit(20, 60.0))}
ADDRESS = {"limits": Limits(address=RateLimit(20, 60.0))}
FEW = {"limits": Limits(connections=5)}
OWN: dict[str, Any] = {"reflection_roles": ()}
"""As everywhere, but an edge of its own: what is used up is missed by no other test."""
LONG = 1.5
"""Seconds in which each of the quick times has passed."""


def settings() -> Iterator[Setting]:
    yield from _rates()
    yield from _times()
    yield from _protocol()
    yield Setting("retry_policy", routes("route.retry_policy"), _is_retried)
    yield Setting(
        "connection limits",
        edited("process", _no_connection_limits),
        _few_connections,
        FEW,
    )


def routes(field: str) -> Change:
    return without("routes", f"virtual_hosts.routes.{field}")


def _first_bucket(limit: Any) -> None:
    del limit.descriptors[0]


def _last_bucket(limit: Any) -> None:
    del limit.descriptors[-1]


def _rates() -> Iterator[Setting]:
    for field in ("filter_enabled", "filter_enforced"):
        total, caller = names.TOTAL_LIMIT, names.CALLER_LIMIT
        yield Setting(f"total {field}", without(total, field), _total_is_limited, TOTAL)
        yield Setting(f"caller {field}", without(caller, field), _caller_is_limited, CALLER)
    after = moved(names.TOTAL_LIMIT, names.TRANSCODER)
    yield Setting("the total before authentication", after, _total_is_limited, TOTAL)
    before = moved(names.CALLER_LIMIT, names.AUTHENTICATION)
    yield Setting("callers after authentication", before, _caller_is_limited, CALLER)
    by_address = edited(names.TOTAL_LIMIT, _first_bucket)
    yield Setting("a bucket for each address", by_address, _total_is_limited, ADDRESS)
    by_caller = edited(names.CALLER_LIMIT, _last_bucket)
    yield Setting("a bucket for each caller", by_caller, _caller_is_limited, CALLER)
    by_method = edited(names.CALLER_LIMIT, _first_bucket)
    yield Setting("a bucket for each method", by_method, _method_is_limited, OWN)
    shown = without(names.CALLER_LIMIT, "enable_x_ratelimit_headers")
    yield Setting("enable_x_ratelimit_headers", shown, _tells_what_is_left)


def _total_is_limited(ask: Asked) -> bool:
    with httpx.Client(base_url=ask.edge.url) as client:
        return 429 in {client.get(ORDER).status_code for _ in range(25)}


def _caller_is_limited(ask: Asked) -> bool:
    token = ask.token(sub="busy")
    return 429 in {ask.rest("GET", ORDER, token).status_code for _ in range(5)}


def _method_is_limited(ask: Asked) -> bool:
    """Sixty at once, on one connection: more than the bucket, and sooner than it fills again."""
    request = b"POST /v1/users:register HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}"
    received = b""
    with socket.create_connection((HOST, ask.edge.deployment.listen.port), 5) as connection:
        connection.settimeout(5)
        connection.sendall(request * 60)
        while received.count(b"HTTP/1.1 ") < 60 and (part := connection.recv(65536)):
            received += part
    return b"HTTP/1.1 429" in received


def _tells_what_is_left(ask: Asked) -> bool:
    return "x-ratelimit-remaining" in ask.rest("GET", ORDER).headers


def _times() -> Iterator[Setting]:
    head = b"POST /v1/orders HTTP/1.1\r\nhost: localhost\r\n"
    yield Setting(
        "request_headers_timeout",
        without("manager", "request_headers_timeout"),
        lambda ask: _is_cut(ask, b"GET / HTTP/1.1\r\nhost: localhost\r\n"),
        {"limits": Limits(headers_time=0.5)},
    )
    yield Setting(
        "request_timeout",
        without("manager", "request_timeout"),
        lambda ask: _is_cut(ask, head + _bearer(ask) + b"content-length: 9\r\n\r\n{"),
        {"limits": Limits(request_time=0.5)},
    )
    yield Setting(
        "stream_idle_timeout",
        without("manager", "stream_idle_timeout"),
        lambda ask: _is_cut(ask, get("/v1/orders/slow", ask.token())),
        {"limits": Limits(idle_time=0.5)},
    )


def _bearer(ask: Asked) -> bytes:
    token = ask.token("customer")
    return f"authorization: Bearer {token}\r\ncontent-type: application/json\r\n".encode()


def _is_cut(ask: Asked, request: bytes) -> bool:
    """Whether the edge answers or closes, long before the service does or the request is whole."""
    begun = time.monotonic()
    with socket.create_connection((HOST, ask.edge.deployment.listen.port), 5) as connection:
        connection.sendall(request)
        answer(connection, LONG)
    return time.monotonic() - begun < LONG


def _protocol() -> Iterator[Setting]:
    options = "http2_protocol_options"
    for field, number, value in (
        ("max_concurrent_streams", 3, 100),
        ("initial_stream_window_size", 4, 65_536),
        ("initial_connection_window_size", 0, 1_048_576),
    ):
        yield Setting(
            field,
            without("manager", f"{options}.{field}"),
            lambda ask, number=number, value=value: (  # type: ignore[misc]
                settings_of(ask.edge)[number] == value
            ),
        )


def _is_retried(ask: Asked) -> bool:
    name = f"orders/{time.monotonic_ns()}/busy"  # the backend counts its calls by name
    request = GetOrderRequest(name=name).SerializeToString()
    return ask.edge.grpc(GET, request, ask.token()).message == "busy 4"


def _no_connection_limits(process: Any) -> None:
    del process.overload_manager.resource_monitors[1]
    fields = process.layered_runtime.layers[0].static_layer.fields
    for name in [name for name in fields if name.endswith("connection_limit")]:
        del fields[name]


def _few_connections(ask: Asked) -> bool:
    """Whether the last of ten that stay open gets no answer."""
    place = (HOST, ask.edge.deployment.listen.port)
    with ExitStack() as stack:
        for _ in range(9):
            stack.enter_context(socket.create_connection(place, 5))
        last = stack.enter_context(socket.create_connection(place, 5))
        try:
            last.sendall(get("/healthz"))
        except ConnectionError:
            return True
        return answer(last, 2) == b""
