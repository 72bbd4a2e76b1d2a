"""What can't be seen from outside within a second or two: read from the running Envoy itself.

Times of minutes, floods, memory, what sick replicas do, and what is asked for in two ways. Each
row is looked up in Envoy's /config_dump, of the edge and of one edge without any of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.envoy import names
from tests.integration.edge.bench import HOST, Running
from tests.integration.edge.settings.edits import (
    Change,
    all_of,
    edited,
    without,
    without_of_transcoders,
)

_MANAGER = "HttpConnectionManager"
_JWT = "JwtAuthentication"
_ROUTE = "virtual_hosts.routes.route"
_KEYS = "providers.remote_jwks"


@dataclass(frozen=True)
class Row:
    """A field of the messages of a kind in the dump, and the value that each of them has."""

    target: str
    kind: str
    path: str
    value: Any

    @property
    def name(self) -> str:
        return f"{self.target}: {self.path}"

    change: Change | None = None
    """How it is taken away, where clearing the field is not the way."""

    @property
    def without(self) -> Change:
        fields = self.path.removeprefix("bootstrap.")
        return self.change or without(self.target, fields)


def rows() -> Iterator[Row]:
    yield from _connection()
    yield from _keys()
    yield from _replicas()
    yield from _process()
    route = {
        "timeout": "10s",
        "max_stream_duration.max_stream_duration": "10s",
        "max_stream_duration.grpc_timeout_header_max": "10s",
        "retry_policy.host_selection_retry_max_attempts": "5",
    }
    for path, value in route.items():
        yield Row("routes", "RouteConfiguration", f"{_ROUTE}.{path}", value)
    others = f"{_ROUTE}.retry_policy.retry_host_predicate"
    yield Row(
        *("routes", "RouteConfiguration", f"{others}.name", "previous_hosts"),
        change=without("routes", others),
    )
    for name in (names.TOTAL_LIMIT, names.CALLER_LIMIT):
        yield Row(name, "LocalRateLimit", "max_dynamic_descriptors", 10_000)
        yield Row(name, "LocalRateLimit", "rate_limited_as_resource_exhausted", True)
    # It counts what the transcoder keeps, which is little: it parses as the body comes.
    for field, given in {
        "max_request_body_size": 131_072,
        "query_param_unescape_plus": True,
    }.items():
        everywhere = without_of_transcoders(field)
        yield Row(names.TRANSCODER, "GrpcJsonTranscoder", field, given, everywhere)


def _connection() -> Iterator[Row]:
    found = {
        "common_http_protocol_options.idle_timeout": "60s",
        "common_http_protocol_options.max_requests_per_connection": 100_000,
        "drain_timeout": "5s",
        "http2_protocol_options.connection_keepalive.interval": "30s",
        "http2_protocol_options.max_outbound_frames": 2000,
        "http2_protocol_options.max_outbound_control_frames": 500,
    }
    for path, value in found.items():
        yield Row("manager", _MANAGER, path, value)
    no_filter = without("manager", "access_log.filter")
    yield Row("manager", _MANAGER, "access_log.filter.not_health_check_filter", {}, no_filter)
    yield Row("listener", "Listener", "per_connection_buffer_limit_bytes", 32_768)
    parameters = "common_tls_context.tls_params"
    yield Row("tls", "DownstreamTlsContext", f"{parameters}.cipher_suites", _AEAD)
    lowest = f"{parameters}.tls_minimum_protocol_version"
    yield Row("tls", "DownstreamTlsContext", lowest, "TLSv1_2")


_AEAD = "ECDHE-ECDSA-AES128-GCM-SHA256"


def _keys() -> Iterator[Row]:
    found = {
        "cache_duration": "60s",
        "async_fetch.failed_refetch_duration": "1s",
        "retry_policy.num_retries": 3,
    }
    for path, value in found.items():
        yield Row(names.AUTHENTICATION, _JWT, f"{_KEYS}.{path}", value)


def _replicas() -> Iterator[Row]:
    found = {
        "common_lb_config.healthy_panic_threshold": {},
        "ignore_health_on_host_removal": True,
        "close_connections_on_host_health_failure": True,
        "per_connection_buffer_limit_bytes": 32_768,
        "upstream_connection_options.tcp_keepalive.keepalive_time": 30,
        "circuit_breakers.thresholds.max_connections": 1000,
        "circuit_breakers.thresholds.max_pending_requests": 1000,
        "circuit_breakers.thresholds.max_requests": 5000,
        "circuit_breakers.thresholds.retry_budget.budget_percent.value": 50,
        "circuit_breakers.thresholds.retry_budget.min_retry_concurrency": 20,
        "outlier_detection.split_external_local_origin_errors": True,
        "outlier_detection.consecutive_local_origin_failure": 3,
        "outlier_detection.interval": "1s",
        "outlier_detection.base_ejection_time": "5s",
        "outlier_detection.max_ejection_percent": 50,
        "outlier_detection.enforcing_consecutive_5xx": 0,
        "outlier_detection.enforcing_success_rate": 0,
        "outlier_detection.enforcing_local_origin_success_rate": 0,
        "health_checks.unhealthy_interval": "0.500s",
        "health_checks.no_traffic_interval": "1s",
        "health_checks.no_traffic_healthy_interval": "2s",
        "lb_policy": "LEAST_REQUEST",
    }
    for path, value in found.items():
        yield Row("cluster", "Cluster", path, value)


def _everywhere(process: Any) -> None:
    process.admin.address.socket_address.address = "0.0.0.0"  # noqa: S104 (the hole)


def _process() -> Iterator[Row]:
    dump = "BootstrapConfigDump"
    yield Row("process", dump, "bootstrap.overload_manager.refresh_interval", "0.250s")
    actions = without("process", "overload_manager.actions")
    for path, value in {
        "name": "envoy.overload_actions.stop_accepting_requests",
        "triggers.threshold.value": 0.95,
    }.items():
        yield Row("process", dump, f"bootstrap.overload_manager.actions.{path}", value, actions)
    runtime = "bootstrap.layered_runtime.layers.static_layer"
    for key, number in {
        "overload.premature_reset_total_stream_count": 500,
        f"envoy.resource_limits.listener.{names.LISTENER}.connection_limit": 1000,
        f"envoy.resource_limits.listener.{names.TLS_LISTENER}.connection_limit": 1000,
    }.items():
        yield Row(
            "process", dump, f"{runtime}|{key}", number, without("process", "layered_runtime")
        )
    address = "bootstrap.admin.address.socket_address.address"
    yield Row("process", dump, address, HOST, edited("process", _everywhere))


def without_all() -> Change:
    """An edge on which none of the rows is so."""
    return all_of(*(row.without for row in rows()))


def dump_of(edge: Running) -> Any:
    """All that Envoy says it runs on."""
    url = f"http://{HOST}:{edge.deployment.admin.port}/config_dump"
    return httpx.get(url, timeout=10).json()


def shown(dump: Any, row: Row) -> list[bool]:
    """Of each message of the row's kind: whether it has the value at the path."""
    fields, _, key = row.path.partition("|")  # behind it a key that has dots itself
    path = (*fields.split("."), *([key] if key else []))
    return [
        row.value in _at(message, path)
        for message in _messages(dump, row.kind)
        if _is_ours(message)
    ]


def _is_ours(message: Any) -> bool:
    """All but the clusters that serve no callers: the issuer's and the collector's."""
    return not str(message["@type"]).endswith(".Cluster") or message.get("type") == "EDS"


def _messages(value: Any, kind: str) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _messages(one, kind)
    elif isinstance(value, dict):
        if str(value.get("@type", "")).endswith(f".{kind}"):
            yield value
        for one in value.values():
            yield from _messages(one, kind)


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What stands at the path, in any element of what is repeated on the way."""
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        inner, rest = value[path[0]], path[1:]
        yield from _at([*inner.values()] if path[0] in _MAPS else inner, rest)


_MAPS = ("providers",)
