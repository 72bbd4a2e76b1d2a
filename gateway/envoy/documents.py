"""/openapi.json and /asyncapi.json: answered by Envoy itself, to everybody, from the routes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from envoy.config.route.v3.route_components_pb2 import FilterConfig

from gateway.asyncapi.document import asyncapi
from gateway.envoy import names
from gateway.envoy.headers import overwriting
from gateway.envoy.typed import packed
from gateway.model import Model, RateLimit
from gateway.openapi.document import openapi
from gateway.surface import ASYNCAPI, OPENAPI

READING: dict[str, Any] = {
    "name": ":method",
    "string_match": {"safe_regex": {"regex": "GET|HEAD"}},
}
"""The only verbs that they have; a preflight goes the way of all others."""
_NO_CALL: dict[str, Any] = {
    "name": "content-type",
    "string_match": {"prefix": "application/grpc", "ignore_case": True},
    "invert_match": True,
    "treat_missing_header_as_empty": True,
}
"""Envoy would take the answer to a gRPC call for an error, and the whole text for its message."""
LIMIT = RateLimit(20, interval=10.0)
"""Of one address and document: the answer is far larger than the request, and held until read."""
MAX_BYTES = 2 * 1024 * 1024
"""Of one document; Envoy's own limit for an answer in a route is 4 KiB."""

_REFUSED = "a document has no query: leave out what stands behind its name"


@dataclass(frozen=True, slots=True)
class Document:
    """What stands at a path. `etag` changes with the text."""

    path: str
    text: str

    @property
    def etag(self) -> str:
        """The entity tag with its quotes."""
        return f'"{hashlib.sha256(self.text.encode()).hexdigest()[:32]}"'


def documents(model: Model) -> tuple[Document, ...]:
    """Both, without spaces: people read the ones in docs/."""
    made = {OPENAPI: openapi(model), ASYNCAPI: asyncapi(model)}
    return tuple(Document(path, _compact(value)) for path, value in made.items())


def routes(model: Model) -> Iterator[dict[str, Any]]:
    """Before the catch-alls. Who has the document already gets 304 and no body."""
    for document in documents(model):
        known = {"name": "if-none-match", "string_match": {"contains": document.etag}}
        yield _route(document, {"status": 304}, known)
        yield _route(document, {"status": 200, "body": {"inline_string": document.text}})


def _route(document: Document, answer: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    headers = {
        "content-type": "application/json",
        "etag": document.etag,
        "cache-control": "public, no-cache",  # keep it, and ask each time whether it has changed
        # The CORS filter passes over routes that answer themselves
        # (https://github.com/envoyproxy/envoy/issues/8262); and these are nobody's secret.
        "access-control-allow-origin": "*",
    }
    return {
        "name": document.path,
        "metadata": {"filter_metadata": {names.METADATA: {names.REFUSAL: _REFUSED}}},
        "match": {"path": document.path, "headers": [READING, _NO_CALL, *more]},
        "direct_response": answer,
        "response_headers_to_add": [overwriting(name, value) for name, value in headers.items()],
        # The transcoder refuses every path that is none of its bindings.
        "typed_per_filter_config": {names.TRANSCODER: packed(FilterConfig, disabled=True)},
    }


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
