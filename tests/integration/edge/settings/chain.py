"""The order of the filters, and that each is there."""

from collections.abc import Iterator

import grpc

from causeway.orders.v1.order_service_pb2 import CancelOrderRequest
from gateway.envoy import names
from tests.integration.edge.bench import ORIGIN
from tests.integration.edge.settings.edits import all_of, dropped, edited, moved, without
from tests.integration.edge.settings.setting import Asked, Setting
from tests.integration.edge.test_browser import preflight

ORDER = "/v1/orders/7"
GET = "/causeway.orders.v1.OrderService/GetOrder"
CANCEL = "/causeway.orders.v1.OrderService/CancelOrder"


def _web_status(ask: Asked) -> bool:
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    answer = ask.rest("POST", GET, "", headers=headers, content=b"\0\0\0\0\0")
    return str(answer.headers.get("content-type")).startswith("application/grpc-web")


def _large_is_refused(ask: Asked) -> bool:
    big = CancelOrderRequest(name="orders/7", request_id="x" * 70_000).SerializeToString()
    return ask.edge.grpc(CANCEL, big, ask.token()).code is grpc.StatusCode.RESOURCE_EXHAUSTED


def _blanks_are_refused(ask: Asked) -> bool:
    much = b"{" + b" " * 300_000 + b"}"
    return ask.rest("POST", f"{ORDER}:cancel", content=much).status_code == 413


def _origin_allowed(ask: Asked) -> bool:
    allowed = preflight(ask.edge, "/v1/orders").headers.get("access-control-allow-origin")
    return bool(allowed == ORIGIN)


def settings() -> Iterator[Setting]:
    yield Setting("cors first", moved(names.CORS, ""), _origin_allowed)
    yield Setting(
        "gRPC-Web before authentication",
        moved(names.GRPC_WEB, names.TRANSCODER),
        _web_status,
    )
    yield Setting(
        "authentication before the transcoder",
        moved(names.AUTHENTICATION, names.AUTHORIZATION),
        lambda ask: ask.rest("GET", "/v1/nothing", "").status_code == 401,
    )
    yield Setting(
        "authorization after the transcoder",
        moved(names.AUTHORIZATION, names.TRANSCODER),
        lambda ask: ask.rest("GET", ORDER).status_code == 200,
    )
    yield Setting(
        "liveness before authentication",
        moved(names.LIVENESS, names.TRANSCODER),
        lambda ask: ask.rest("GET", "/healthz", "").status_code == 200,
    )
    yield Setting("the buffer before the transcoder", dropped(names.JSON_SIZE), _blanks_are_refused)
    yield Setting("the buffer", dropped(names.REQUEST_SIZE), _large_is_refused)
    yield Setting(
        "authorization denies what nobody signed",
        all_of(dropped(names.AUTHORIZATION), without(names.AUTHENTICATION, "rules")),
        lambda ask: ask.rest("GET", ORDER, "").status_code == 401,
    )
    yield Setting(
        "no rules would be no denial",
        edited(names.AUTHORIZATION, lambda rbac: rbac.ClearField("rules")),
        lambda ask: ask.edge.grpc(GET, token=ask.token(azp="x")).code.name == "PERMISSION_DENIED",
    )
