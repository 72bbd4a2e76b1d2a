"""Envoy's own refusals: one JSON google.rpc.Status over REST, a proper grpc-status over gRPC."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status that Envoy makes up, its gRPC code, and a text in place of Envoy's own.

    `early`: it may be made before the gRPC-Web filter has seen the request.
    """

    status: int
    code: int
    text: str
    early: bool = False


BAD_REQUEST = Refusal(400, 3, "the request is malformed", early=True)
REFUSALS = (
    BAD_REQUEST,
    Refusal(401, 16, "a valid token is required: 'authorization: Bearer <access token>'"),
    Refusal(403, 7, "this caller may not do that"),
    Refusal(404, 5, "there is nothing at this path"),
    Refusal(408, 4, "the request did not arrive in time", early=True),
    Refusal(413, 8, "the request is too large", early=True),
    Refusal(415, 3, "the content type is not supported"),
    Refusal(426, 9, "this protocol version is not supported", early=True),
    Refusal(429, 8, "too many requests; try again later", early=True),
    Refusal(431, 8, "the request headers are too large or too many", early=True),
    Refusal(500, 13, "internal error"),
    Refusal(502, 14, "the service is not available"),
    Refusal(503, 14, "the service is not available; try again later", early=True),
    Refusal(504, 4, "the service did not answer in time"),
)


def local_replies() -> dict[str, Any]:
    """HttpConnectionManager.local_reply_config. The first mapper that fits is taken."""
    mappers = [*_rest(), *_grpc_web(), *_grpc()]
    return {"mappers": mappers}


def _rest() -> Iterator[dict[str, Any]]:
    """A call that came as REST: the transcoder leaves the original method behind."""
    not_grpc = _content_type("application/grpc", invert=True)
    rest = {"or_filter": {"filters": [not_grpc, _ORIGINAL_METHOD]}}
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
        if refusal is not BAD_REQUEST:  # Envoy's own text tells what in the body is wrong
            mapper["body"] = {"inline_string": refusal.text}
        if refusal.code == _UNAUTHENTICATED:
            mapper["headers_to_add"] = [_header("www-authenticate", 'Bearer realm="causeway"')]
        yield mapper


def _grpc() -> Iterator[dict[str, Any]]:
    """gRPC, and gRPC-Web once its filter has seen it, which Envoy still takes for plain HTTP.

    The status is in the headers and the body empty: what gRPC calls "trailers only".
    """
    for refusal in REFUSALS:
        yield {
            "filter": _both(refusal.status, _content_type("application/grpc")),
            "status_code": 200,
            "body": {"inline_string": ""},
            "headers_to_add": [
                _header("grpc-status", str(refusal.code)),
                _header("grpc-message", refusal.text),
            ],
        }


def _grpc_web() -> Iterator[dict[str, Any]]:
    """Refused before the gRPC-Web filter: it will not turn the reply into what its clients read.

    The content type of an empty body is dropped, so the trailers go into the body.
    """
    text, binary = "application/grpc-web-text", "application/grpc-web"
    for refusal in REFUSALS:
        if refusal.early:
            frame = base64.b64encode(_trailers(refusal)).decode()
            yield _web_reply(refusal, text, {"inline_string": frame})
            yield _web_reply(refusal, binary, {"inline_bytes": frame})


def _web_reply(refusal: Refusal, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "filter": _both(refusal.status, _content_type(kind)),
        "status_code": 200,
        "body": body,
        "body_format_override": {
            "content_type": f"{kind}+proto",
            "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
        },
    }


def _trailers(refusal: Refusal) -> bytes:
    """A frame of gRPC-Web: its first bit says that it holds trailers."""
    text = f"grpc-status: {refusal.code}\r\ngrpc-message: {refusal.text}\r\n".encode()
    return b"\x80" + len(text).to_bytes(4, "big") + text


_ORIGINAL_METHOD = {
    "header_filter": {"header": {"name": "x-envoy-original-method", "present_match": True}}
}


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
