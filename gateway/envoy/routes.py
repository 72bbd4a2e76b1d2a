"""Where a call goes, how long it may take and whether it may be tried again."""

from collections.abc import Iterator
from typing import Any

from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate

from gateway import defaults, surface
from gateway.deployments import Deployment
from gateway.envoy import (
    authorization,
    documents,
    event_source,
    limits,
    names,
    ndjson,
    transport,
)
from gateway.envoy.transcoding import transcoding
from gateway.envoy.typed import pack, packed, seconds, typed
from gateway.model import Method, Model, Streaming
from gateway.reading import BRIDGE

GRACE = 5.0
"""Seconds. The service ends a stream, and says why; the edge only one that it has not ended."""
# Neither a browser nor a proxy on the way keeps a stream or holds it back.
_UNKEPT = [
    {"header": {"key": "cache-control", "value": "no-store"}},
    ndjson.MARK,
]
_UNREAD = (
    "accept",
    "accept-encoding",
    "accept-language",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-forwarded-proto",
)
"""What no handler of a unary call reads: gRPC in Python takes two microseconds for each."""
NOWHERE = "none"
"""A cluster that does not exist: REST paths need a route (for CORS), but never take it."""
UNKNOWN = "unknown"
"""The name of the route of what is no gRPC method, or not yet one."""


def routes(model: Model, deployment: Deployment) -> RouteConfiguration:
    """One route for each gRPC method, then catch-alls for REST paths and the unknown.

    The transcoder replaces the path and the route is picked again, so REST needs no routes.
    """
    host = {
        "name": "causeway",
        "domains": list(deployment.domains),
        "routes": [
            # Whom the role filter refuses first is told so, as anywhere.
            transport.unreadable_encoding() | {"metadata": _refusal("this caller may not do that")},
            *_methods(model, deployment),
            *_reflection(deployment.reflection_roles),
            *documents.routes(model),
            *_catch_alls(model, deployment),
        ],
        "typed_per_filter_config": {names.CORS: cors_policy(deployment)},
        # Taken last: a route has turned the one that counts into a header before.
        "request_headers_to_remove": ["cookie"],
    }
    return typed(
        RouteConfiguration,
        name=names.ROUTES,
        virtual_hosts=[host],
        validate_clusters=False,
        max_direct_response_body_size_bytes=documents.MAX_BYTES,
    )


def cors_policy(deployment: Deployment, *, cookies: bool = False) -> dict[str, Any]:
    """Exact origins; cookies for an EventSource alone. gRPC-Web clients read the status from
    exposed headers.
    """
    return packed(
        CorsPolicy,
        allow_origin_string_match=[{"exact": origin} for origin in deployment.origins],
        allow_methods="GET, POST, PATCH, OPTIONS",
        allow_headers="authorization, content-type, accept, x-grpc-web, x-user-agent, "
        "grpc-timeout, traceparent, tracestate",
        expose_headers="grpc-status, grpc-message, grpc-status-details-bin, x-request-id, "
        "x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, www-authenticate",
        max_age="600",
        allow_credentials=cookies,
        forward_not_matching_preflights=False,
    )


def _methods(model: Model, deployment: Deployment) -> Iterator[dict[str, Any]]:
    for service in model.services:
        for method in service.methods:
            size = limits.request_size_of(method)
            route: dict[str, Any] = {
                "name": method.path,
                "metadata": _refusal(authorization.asked_for(method.access)),
                "match": {"path": method.path},
                "route": {
                    "cluster": service.area,
                    **_times(method),
                    "retry_policy": _retries(method),
                },
                "typed_per_filter_config": {
                    names.JSON_SIZE: limits.unbuffered(),  # it is for REST, on the catch-alls
                    **({names.REQUEST_SIZE: size} if size else {}),
                },
            }
            if method.streaming is Streaming.UNARY:
                route["request_headers_to_remove"] = list(_UNREAD)
            if method.streams_over_rest:
                route["response_headers_to_add"] = _UNKEPT
                yield event_source.route(route, cors_policy(deployment, cookies=True))
            yield route


def _reflection(roles: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for path in surface.REFLECTION:
        yield {
            "name": path,
            "metadata": _refusal(authorization.asked_for_roles(roles)),
            "match": {"path": path},
            # One server answers for the whole surface.
            "route": {"cluster": BRIDGE, **_stream_times()},
            "typed_per_filter_config": {
                names.JSON_SIZE: limits.unbuffered(),
                names.REQUEST_SIZE: limits.unbuffered(),
            },
        }


def _catch_alls(model: Model, deployment: Deployment) -> Iterator[dict[str, Any]]:
    nowhere = {"cluster": NOWHERE, "cluster_not_found_response_code": "NOT_FOUND"}
    unknown = {"name": UNKNOWN, "metadata": _refusal("there is no such method for callers")}
    # A CONNECT without a path fits nothing else, and would be held as a body that does not end.
    yield {
        "name": UNKNOWN,
        "metadata": _refusal("nothing is tunnelled: send the request itself"),
        "match": {"connect_matcher": {}},
        "direct_response": {"status": 403},
    }
    yield {
        **unknown,
        "match": {"prefix": "/", "headers": [event_source.ACCEPT]},
        "route": nowhere,
        "typed_per_filter_config": {
            names.TRANSCODER: pack(transcoding(model, server_sent_events=True)),
            names.CORS: cors_policy(deployment, cookies=True),
        },
    }
    yield {
        **unknown,
        "match": {"prefix": "/", "headers": [ndjson.ACCEPT]},
        "route": nowhere,
        "typed_per_filter_config": ndjson.switched_on(),
    }
    yield {**unknown, "match": {"prefix": "/"}, "route": nowhere}


def _refusal(text: str) -> dict[str, Any]:
    return {"filter_metadata": {names.METADATA: {names.REFUSAL: text}}}


def _times(method: Method) -> dict[str, Any]:
    if method.streaming is not Streaming.UNARY:
        return _stream_times(method.access.timeout or defaults.STREAM_LIFE)
    limit = seconds(method.access.timeout or defaults.UNARY_TIMEOUT)
    # The route's own timeout is off as soon as grpc_timeout_header_max stands alone: both.
    longest = {"max_stream_duration": limit, "grpc_timeout_header_max": limit}
    return {"timeout": limit, "max_stream_duration": longest}


def _stream_times(life: float = defaults.STREAM_LIFE) -> dict[str, Any]:
    limit = seconds(life + GRACE)
    longest = {"max_stream_duration": limit, "grpc_timeout_header_max": limit}
    return {"timeout": "0s", "max_stream_duration": longest}


def _retries(method: Method) -> dict[str, Any]:
    """On another replica; after a request may have been handled only where that is harmless."""
    conditions = "connect-failure,refused-stream"
    if method.idempotency.repeatable and not method.client_streams:
        conditions += ",reset-before-request,reset,unavailable"
    return {
        "retry_on": conditions,
        "num_retries": 3,
        "retry_host_predicate": [
            {"name": "previous_hosts", "typed_config": packed(PreviousHostsPredicate)}
        ],
        "host_selection_retry_max_attempts": 5,
    }
