"""Envoy's own refusals: one JSON google.rpc.Status over REST, a proper grpc-status over gRPC."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status that Envoy makes up, its gRPC code, and a text in place of Envoy's own."""

    status: int
    code: int
    text: str = ""
    # Set where the code that Envoy itself gives a gRPC caller is another one.
    tell_grpc: bool = False


REFUSALS = (
    Refusal(400, 3, tell_grpc=True),  # keeps Envoy's text: it tells what in the body is wrong
    Refusal(401, 16, "a valid token is required: 'authorization: Bearer <access token>'"),
    Refusal(403, 7, "this caller may not do that"),
    Refusal(404, 5, "there is nothing at this path"),
    Refusal(408, 4, "the request did not arrive in time", tell_grpc=True),
    Refusal(413, 8, "the request is too large", tell_grpc=True),
    Refusal(415, 3, "the content type is not supported", tell_grpc=True),
    Refusal(426, 9, "this protocol version is not supported"),
    Refusal(429, 8, "too many requests; try again later", tell_grpc=True),
    Refusal(431, 8, "the request headers are too large or too many", tell_grpc=True),
    Refusal(500, 13, "internal error", tell_grpc=True),
    Refusal(502, 14, "the service is not available"),
    Refusal(503, 14, "the service is not available; try again later"),
    Refusal(504, 4, "the service did not answer in time", tell_grpc=True),
)


def local_replies() -> dict[str, Any]:
    """HttpConnectionManager.local_reply_config. The first mapper that fits is taken."""
    mappers = [*_rest(), *_grpc_web(), *_grpc()]
    return {"mappers": mappers}


def _rest() -> Iterator[dict[str, Any]]:
    """A call that came as REST: the transcoder leaves the original method behind."""
    rest = {"or_filter": {"filters": [_is_grpc(invert=True), _ORIGINAL_METHOD]}}
    for refusal in REFUSALS:
        mapper: dict[str, Any] = {
            "filter": _both(refusal.status, rest),
            "body_format_override": {
                "content_type": "application/json",
                "json_format": {
                    "code": refusal.code,
                    "message": "%LOCAL_REPLY_BODY%",
                    "details": [],
                },
            },
        }
        if refusal.text:
            mapper["body"] = {"inline_string": refusal.text}
        if refusal.status == 401:
            mapper["headers_to_add"] = [_header("www-authenticate", 'Bearer realm="causeway"')]
        yield mapper


def _grpc_web() -> Iterator[dict[str, Any]]:
    """Refused before the gRPC-Web filter: Envoy takes the call for plain HTTP."""
    for refusal in REFUSALS:
        yield {
            "filter": _both(refusal.status, _content_type("application/grpc-web")),
            "status_code": 200,
            "body": {"inline_string": ""},
            "body_format_override": {
                "content_type": "application/grpc-web+proto",
                "text_format_source": {"inline_string": ""},
            },
            "headers_to_add": _grpc_headers(refusal),
        }


def _grpc() -> Iterator[dict[str, Any]]:
    """Envoy answers gRPC callers by itself; only the code is wrong for some."""
    for refusal in REFUSALS:
        if refusal.tell_grpc:
            yield {
                "filter": _both(refusal.status, _is_grpc()),
                "headers_to_add": [_header("grpc-status", str(refusal.code))],
            }


def _grpc_headers(refusal: Refusal) -> list[dict[str, Any]]:
    headers = [_header("grpc-status", str(refusal.code))]
    return [*headers, _header("grpc-message", refusal.text)] if refusal.text else headers


_ORIGINAL_METHOD = {
    "header_filter": {"header": {"name": "x-envoy-original-method", "present_match": True}}
}


def _is_grpc(*, invert: bool = False) -> dict[str, Any]:
    return _content_type("application/grpc", invert=invert)


def _content_type(prefix: str, *, invert: bool = False) -> dict[str, Any]:
    header = {
        "name": "content-type",
        "string_match": {"prefix": prefix},
        "invert_match": invert,
        # A GET has no content type; without this it would fit neither way.
        "treat_missing_header_as_empty": True,
    }
    return {"header_filter": {"header": header}}


def _both(status: int, other: dict[str, Any]) -> dict[str, Any]:
    value = {"default_value": status, "runtime_key": f"edge.refusal.{status}"}
    comparison = {"comparison": {"op": "EQ", "value": value}}
    return {"and_filter": {"filters": [{"status_code_filter": comparison}, other]}}


def _header(name: str, value: str) -> dict[str, Any]:
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
