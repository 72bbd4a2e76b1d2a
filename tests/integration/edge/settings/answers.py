"""REST to gRPC and back, and what a refusal looks like."""

from collections.abc import Iterator
from typing import Any

import httpx

from causeway.orders.v1.order_service_pb2 import CancelOrderRequest
from causeway.users.v1.user_service_pb2 import RegisterUserRequest
from gateway.envoy import names
from tests.integration.edge.settings.edits import Change, edited, without
from tests.integration.edge.settings.setting import Asked, Setting
from tests.integration.edge.test_tls import connected, over_tls, trusting
from tests.integration.edge.wire import get

ORDER = "/v1/orders/7"
GET = "/causeway.orders.v1.OrderService/GetOrder"
CANCEL = "/causeway.orders.v1.OrderService/CancelOrder"
PUBLISH = "/causeway.bridge.v1.EventService/PublishEvents"
REGISTER = "/causeway.users.v1.UserService/RegisterUser"


def transcoder(field: str) -> Change:
    return without(names.TRANSCODER, field)


def _auto(message: Any) -> None:
    message.auto_mapping = True


def _posted(ask: Asked, path: str, **body: Any) -> int:
    return ask.rest("POST", path, json=body).status_code


def settings() -> Iterator[Setting]:
    yield from _transcoding()
    yield from _validation()
    yield from _refusals()
    yield from _tls()
    yield Setting(
        "buffer per route",
        without("routes", "virtual_hosts.routes.typed_per_filter_config"),
        _a_size_of_its_own,
    )


def _a_size_of_its_own(ask: Asked) -> bool:
    request = RegisterUserRequest(username="x" * 30_000).SerializeToString()
    return ask.edge.grpc(REGISTER, request).code.name == "RESOURCE_EXHAUSTED"


def _without_a_binding(ask: Asked) -> bool:
    """A method without a binding can't be had over REST; this one would begin a stream."""
    headers = {"authorization": f"Bearer {ask.token('publisher')}"}
    with httpx.stream("POST", ask.edge.url + PUBLISH, headers=headers, json={}) as answer:
        return answer.status_code == 404


def _transcoding() -> Iterator[Setting]:
    yield Setting(
        "auto_mapping",
        edited(names.TRANSCODER, _auto),
        _without_a_binding,
    )
    yield Setting(
        "convert_grpc_status",
        transcoder("convert_grpc_status"),
        lambda ask: _code(ask.rest("GET", "/v1/orders/missing")) == 5,
    )
    yield Setting(
        "always_print_primitive_fields",
        transcoder("print_options.always_print_primitive_fields"),
        lambda ask: ask.rest("GET", ORDER).json().get("etag") == "",
    )
    yield Setting(
        "stream_newline_delimited",
        transcoder("print_options.stream_newline_delimited"),
        lambda ask: ask.rest("GET", f"{ORDER}:watch").text.startswith("{"),
    )
    yield Setting(
        "max_response_body_size",
        transcoder("max_response_body_size"),
        lambda ask: ask.rest("GET", "/v1/orders/large").status_code == 200,
    )


def _validation() -> Iterator[Setting]:
    options = "request_validation_options"
    yield Setting(
        "reject_unknown_method",
        transcoder(f"{options}.reject_unknown_method"),
        lambda ask: _posted(ask, GET) == 404,
    )
    yield Setting(
        "reject_unknown_query_parameters",
        transcoder(f"{options}.reject_unknown_query_parameters"),
        lambda ask: ask.rest("GET", f"{ORDER}?x=1").status_code == 400,
    )
    yield Setting(
        "reject_binding_body_field_collisions",
        transcoder(f"{options}.reject_binding_body_field_collisions"),
        lambda ask: _posted(ask, f"{ORDER}:cancel", name="orders/8") == 400,
    )


def _refusals() -> Iterator[Setting]:
    yield Setting(
        "local_reply_config: REST",
        without("manager", "local_reply_config"),
        lambda ask: _code(ask.rest("GET", ORDER, "")) == 16,
    )
    yield Setting(
        "local_reply_config: gRPC", without("manager", "local_reply_config"), _too_large_for_grpc
    )
    yield Setting(
        "local_reply_config: gRPC-Web",
        without("manager", "local_reply_config"),
        _web_is_told,
    )
    yield Setting(
        "a route's own words for a 403",
        without("routes", "virtual_hosts.routes.metadata"),
        lambda ask: "role operator" in _shipped(ask),
    )


def _code(answer: httpx.Response) -> int | None:
    """The code of a refusal in the one form that there is; None for one in another."""
    if answer.headers.get("content-type") != "application/json":
        return None
    return int(answer.json()["code"])


def _web_is_told(ask: Asked) -> bool:
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    path = GET.replace("v1.", "v1%2f")
    answer = ask.rest("POST", path, headers=headers, content=b"\0\0\0\0\0")
    told = (
        answer.headers.get("grpc-status") == "3"
    )  # where there is no body, else in its last frame
    return told or b"grpc-status:3" in answer.content.replace(b" ", b"")


def _shipped(ask: Asked) -> str:
    answer = ask.rest("POST", f"{ORDER}:ship", ask.token("customer"), json={})
    return str(answer.json()["message"])


def _too_large_for_grpc(ask: Asked) -> bool:
    big = CancelOrderRequest(name="orders/7", request_id="x" * 70_000).SerializeToString()
    return "too large" in ask.edge.grpc(CANCEL, big, ask.token()).message


def _tls() -> Iterator[Setting]:
    yield Setting("alpn_protocols", without("tls", "common_tls_context.alpn_protocols"), _alpn)
    yield Setting(
        "strict-transport-security",
        without("manager", "http_filters"),
        lambda ask: b"strict-transport-security" in over_tls(ask.edge, get(ORDER)),
    )


def _alpn(ask: Asked) -> bool:
    context = trusting(ask.edge)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connected(ask.edge, context) as connection:
        return connection.selected_alpn_protocol() == "h2"
