"""How a connection and what comes over it are taken: addresses, paths, headers, times, frames."""

from collections.abc import Sequence
from typing import Any

from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutation,
)

from gateway.deployments import Deployment, Limits
from gateway.envoy import clusters, transport
from gateway.envoy.access_log import access_log
from gateway.envoy.replies import local_replies
from gateway.envoy.tracing import tracing
from gateway.envoy.typed import packed, seconds, typed

# Nobody's address: an empty list would make Envoy trust loopback as internal.
_NO_INTERNAL_RANGE = [{"address_prefix": "255.255.255.255", "prefix_len": 32}]
_FORGEABLE_PREFIXES = ("x-envoy-", "x-forwarded-", "x-original-", "x-http-method")
_FORGEABLE = ("forwarded", "x-real-ip", "x-rewrite-url", "x-method-override", "x-client-ip")


def manager(
    deployment: Deployment, *, first: Sequence[dict[str, Any]] = ()
) -> hcm.HttpConnectionManager:
    """Everything but the routes and the chain of filters, which follows the `first` ones."""
    return typed(
        hcm.HttpConnectionManager,
        stat_prefix="edge",
        codec_type="AUTO",
        http_filters=list(first),
        **_addresses(),
        **_paths_and_headers(),
        **_times(deployment.limits),
        **_protocols(),
        **tracing(deployment),
        local_reply_config=local_replies(),
        access_log=[access_log()],
    )


def _addresses() -> dict[str, Any]:
    """The peer is the caller: nothing in a header says otherwise."""
    return {
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": _NO_INTERNAL_RANGE},
        "early_header_mutation_extensions": [
            {"name": "unforge", "typed_config": packed(HeaderMutation, mutations=_unforged())}
        ],
        "generate_request_id": True,
        "preserve_external_request_id": False,
        "always_set_request_id_in_response": True,
    }


def _unforged() -> list[dict[str, Any]]:
    """Dropped before the first filter sees them, whoever sent them."""
    matching = [{"remove_on_match": {"key_matcher": {"prefix": p}}} for p in _FORGEABLE_PREFIXES]
    return [*matching, *({"remove": name} for name in _FORGEABLE), *transport.unreadable()]


def _paths_and_headers() -> dict[str, Any]:
    return {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "strip_any_host_port": True,
        "max_request_headers_kb": 16,
        "common_http_protocol_options": {
            "idle_timeout": "60s",
            "max_headers_count": 64,
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_requests_per_connection": 100_000,
        },
        "server_name": "causeway",
        "server_header_transformation": "OVERWRITE",
    }


def _times(limits: Limits) -> dict[str, Any]:
    return {
        "request_headers_timeout": seconds(limits.headers_time),
        # Until the request is complete or an answer has begun: a client stream whose server
        # sends its headers only with the first answer has this long for its first message.
        "request_timeout": seconds(limits.request_time),
        "stream_idle_timeout": seconds(limits.idle_time),
        "drain_timeout": "5s",
    }


def _protocols() -> dict[str, Any]:
    return {
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": clusters.STREAM_WINDOW,
            "initial_connection_window_size": clusters.CONNECTION_WINDOW,
            "connection_keepalive": {"interval": "30s", "timeout": "10s"},
            "max_outbound_frames": 2000,
            "max_outbound_control_frames": 500,
        }
    }
