"""Envoy's own refusals: one JSON google.rpc.Status over REST, a proper grpc-status over gRPC."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from envoy.extensions.access_loggers.filters.cel.v3.cel_pb2 import ExpressionFilter

from gateway import identity
from gateway.envoy import names
from gateway.envoy.headers import overwriting
from gateway.envoy.typed import packed

_UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status that Envoy makes up, its gRPC code, and a text in place of Envoy's own.

    `early`: it may be made before the gRPC-Web filter has seen the request. `details`: only for
    this one of Envoy's reasons (%RESPONSE_CODE_DETAILS%). `answer`: the status that is told.
    """

    status: int
    code: int
    text: str
    early: bool = False
    details: str = ""
    answer: int | None = None
    only: str = ""
    """A CEL expression that must hold too."""


BAD_REQUEST = Refusal(400, 3, "the request is malformed", early=True)
_JWT = "jwt_authn_access_denied{{{}}}"
MISSING = Refusal(
    status=401,
    code=16,
    text="a valid token is required: 'authorization: Bearer <access token>'",
    details=_JWT.format("Jwt_is_missing"),
)
# The more special ones come first: the first that fits is taken.
REFUSALS = (
    BAD_REQUEST,
    Refusal(
        status=401,
        code=14,
        text="the keys of the tokens' issuer can't be had; try again later",
        details=_JWT.format("Jwks_remote_fetch_is_failed"),
        answer=503,  # a caller with a good token can do nothing about it
    ),
    Refusal(
        status=401,
        code=16,
        text="the token has expired: fetch a new one",
        details=_JWT.format("Jwt_is_expired"),
    ),
    MISSING,
    Refusal(401, 16, "the token is not valid here: fetch one from this platform's issuer"),
    Refusal(
        status=403,
        code=7,
        text=f"the token is for another audience: its `aud` must be {identity.AUDIENCE}",
        details=_JWT.format("Audiences_in_Jwt_are_not_allowed"),
    ),
    # Without a route there are no words of a route.
    Refusal(403, 7, "this host is not served here", only="!has(xds.virtual_host_name)"),
    Refusal(403, 7, f"%METADATA(ROUTE:{names.METADATA}:{names.REFUSAL})%"),
    Refusal(404, 5, "there is nothing at this path"),
    Refusal(408, 4, "the request did not arrive in time", early=True),
    Refusal(413, 8, "the request is too large", early=True),
    Refusal(415, 3, "the content type, or the encoding of the message, is not supported"),
    Refusal(426, 9, "this protocol version is not supported", early=True),
    Refusal(429, 8, "too many requests; try again later", early=True),
    Refusal(431, 8, "the request headers are too large or too many", early=True),
    Refusal(500, 13, "internal error"),
    Refusal(501, 12, "this transfer encoding is not supported", early=True),
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
        # Envoy's own text tells what in the body is wrong.
        text = "%LOCAL_REPLY_BODY%" if refusal is BAD_REQUEST else refusal.text
        json_format = {"code": refusal.code, "message": text, "details": []}
        mapper: dict[str, Any] = {
            "filter": _when(refusal, rest),
            "body_format_override": {
                "content_type": "application/json",
                "json_format": json_format,
            },
        }
        if refusal.answer:
            mapper["status_code"] = refusal.answer
        if refusal.code == _UNAUTHENTICATED:
            # RFC 6750, 3.1: no error code where there was no token.
            error = "" if refusal is MISSING else ', error="invalid_token"'
            challenge = f'Bearer realm="causeway"{error}'
            mapper["headers_to_add"] = [overwriting("www-authenticate", challenge)]
        yield mapper


def _grpc() -> Iterator[dict[str, Any]]:
    """gRPC, and gRPC-Web once its filter has seen it, which Envoy still takes for plain HTTP.

    The status is in the headers and the body empty: what gRPC calls "trailers only".
    """
    for refusal in REFUSALS:
        yield {
            "filter": _when(refusal, _content_type("application/grpc")),
            "status_code": 200,
            "body": {"inline_string": ""},
            "headers_to_add": [
                overwriting("grpc-status", str(refusal.code)),
                overwriting("grpc-message", refusal.text),
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
        "filter": _when(refusal, _content_type(kind)),
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


def _when(refusal: Refusal, kind: dict[str, Any]) -> dict[str, Any]:
    status = refusal.status
    value = {"default_value": status, "runtime_key": f"edge.refusal.{status}"}
    comparison = {"comparison": {"op": "EQ", "value": value}}
    filters = [{"status_code_filter": comparison}, kind]
    told = f"response.code_details == '{refusal.details}'" if refusal.details else refusal.only
    if told:
        reason = packed(ExpressionFilter, expression=told)
        filters.append({"extension_filter": {"name": "reason", "typed_config": reason}})
    return {"and_filter": {"filters": filters}}
