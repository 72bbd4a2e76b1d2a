"""REST to gRPC and back, and what a refusal looks like."""

from collections.abc import Iterator
from typing import Any

from causeway.orders.v1.order_service_pb2 import CancelOrderRequest
from causeway.users.v1.user_service_pb2 import RegisterUserRequest
from gateway.envoy import names
from tests.integration.edge.settings.edits import Change, edited, without
from tests.integration.edge.settings.setting import Asked, Setting
from tests.integration.edge.test_browser import grpc_web
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


def _transcoding() -> Iterator[Setting]:
    yield Setting(
        "auto_mapping",
        edited(names.TRANSCODER, _auto),
        # It concerns methods without a binding alone.
        lambda ask: ask.rest("POST", PUBLISH, ask.token("publisher"), json={}).status_code == 404,
    )
    yield Setting(
        "convert_grpc_status",
        transcoder("convert_grpc_status"),
        lambda ask: ask.rest("GET", "/v1/orders/missing").json()["code"] == 5,
    )
    yield Setting(
        "always_print_primitive_fields",
        transcoder("print_options.always_print_primitive_fields"),
        lambda ask: ask.rest("GET", ORDER).json()["etag"] == "",
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
        lambda ask: ask.rest("GET", ORDER, "").json()["code"] == 16,
    )
    yield Setting(
        "local_reply_config: gRPC", without("manager", "local_reply_config"), _too_large_for_grpc
    )
    yield Setting(
        "local_reply_config: gRPC-Web",
        without("manager", "local_reply_config"),
        lambda ask: (
            grpc_web(ask.edge, ask.token(), path=GET.replace("v1.", "v1%2f"))[1]["grpc-status"]
            == "3"
        ),
    )
    yield Setting(
        "a route's own words for a 403",
        without("routes", "virtual_hosts.routes.metadata"),
        lambda ask: "role operator" in _shipped(ask),
    )


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
