"""The replicas behind the edge: how they are found, watched, chosen and left alone when sick."""

from collections.abc import Iterator, Sequence
from typing import Any

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from gateway import identity
from gateway.deployments import Address, Deployment
from gateway.envoy import authentication, sources, tracing
from gateway.envoy.typed import packed, plain, typed

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
STREAM_WINDOW = 65_536
CONNECTION_WINDOW = 1_048_576
BUFFER = 32_768


def clusters(deployment: Deployment) -> tuple[Cluster, ...]:
    """One cluster for each area, Keycloak's for the keys, and the collector's if there is one."""
    found = [_area(deployment, area) for area in sorted(deployment.clusters)]
    found.append(_keycloak(deployment.keycloak))
    if deployment.collector:
        found.append(_plain_http(tracing.CLUSTER, deployment.collector))
    return tuple(found)


def endpoints(deployment: Deployment) -> Iterator[ClusterLoadAssignment]:
    """The replicas of the areas that are given by IP address, one assignment for one file."""
    for area, addresses in sorted(deployment.clusters.items()):
        if _changes_live(addresses):
            yield assignment(area, addresses)


def assignment(name: str, addresses: Sequence[Address]) -> ClusterLoadAssignment:
    """The replicas of one cluster."""
    members = [{"endpoint": {"address": socket_address(address)}} for address in addresses]
    return typed(ClusterLoadAssignment, cluster_name=name, endpoints=[{"lb_endpoints": members}])


def endpoints_file(area: str) -> str:
    """One file a cluster: with two assignments in a file Envoy refuses updates in silence."""
    return f"eds_{area}.json"


def socket_address(address: Address) -> dict[str, Any]:
    """An Address as Envoy takes it."""
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def _changes_live(addresses: Sequence[Address]) -> bool:
    return all(address.is_ip for address in addresses)


def _area(deployment: Deployment, area: str) -> Cluster:
    addresses = deployment.clusters[area]
    return typed(
        Cluster,
        name=area,
        **_discovery(deployment.root, area, addresses),
        connect_timeout="1s",
        lb_policy="LEAST_REQUEST",
        # Never send to a replica that is known to be down, however few are left.
        common_lb_config={"healthy_panic_threshold": {"value": 0}},
        # A replica that is taken out drains at once, without waiting to look sick.
        ignore_health_on_host_removal=True,
        close_connections_on_host_health_failure=True,
        per_connection_buffer_limit_bytes=BUFFER,
        typed_extension_protocol_options={_HTTP_OPTIONS: _http2()},
        health_checks=[_grpc_health()],
        outlier_detection=_OUTLIERS,
        circuit_breakers=_BREAKERS,
        # No HTTP/2 PING upstream: gRPC servers answer pings on idle connections with GOAWAY.
        upstream_connection_options={"tcp_keepalive": {"keepalive_time": 30}},
    )


def _discovery(root: str, area: str, addresses: Sequence[Address]) -> dict[str, Any]:
    if _changes_live(addresses):
        config = sources.watched(root, endpoints_file(area))
        return {"type": "EDS", "eds_cluster_config": {"eds_config": config}}
    return _by_name(area, addresses)


def _by_name(name: str, addresses: Sequence[Address]) -> dict[str, Any]:
    # Every address that the name resolves to is a replica of its own.
    return {
        "type": "STATIC" if _changes_live(addresses) else "STRICT_DNS",
        "load_assignment": plain(assignment(name, addresses)),
        **({} if _changes_live(addresses) else {"dns_refresh_rate": "1s"}),
        "dns_lookup_family": "V4_PREFERRED",
    }


def _http2() -> dict[str, Any]:
    options = {
        "initial_stream_window_size": STREAM_WINDOW,
        "initial_connection_window_size": CONNECTION_WINDOW,
    }
    return packed(
        HttpProtocolOptions,
        common_http_protocol_options={"idle_timeout": "300s"},
        explicit_http_config={"http2_protocol_options": options},
    )


def _grpc_health() -> dict[str, Any]:
    return {
        "timeout": "1s",
        "interval": "2s",
        "unhealthy_interval": "0.5s",
        # Without these a cluster without traffic is asked once a minute.
        "no_traffic_interval": "1s",
        "no_traffic_healthy_interval": "2s",
        "healthy_threshold": 1,
        "unhealthy_threshold": 2,
        "grpc_health_check": {},
    }


_OUTLIERS = {
    "split_external_local_origin_errors": True,
    "consecutive_local_origin_failure": 3,
    "interval": "1s",
    "base_ejection_time": "5s",
    "max_ejection_percent": 50,
    # Answers never eject: whoever provokes INTERNAL could switch off a replica.
    "enforcing_consecutive_5xx": 0,
    "enforcing_success_rate": 0,
    "enforcing_local_origin_success_rate": 0,
}

_BREAKERS = {
    "thresholds": [
        {
            "max_connections": 1000,
            "max_pending_requests": 1000,
            "max_requests": 5000,
            "retry_budget": {"budget_percent": {"value": 50}, "min_retry_concurrency": 20},
        }
    ]
}


def _keycloak(address: Address) -> Cluster:
    return typed(
        Cluster,
        name=authentication.CLUSTER,
        **_by_name(authentication.CLUSTER, (address,)),
        connect_timeout="1s",
        health_checks=[
            {
                "timeout": "2s",
                "interval": "10s",
                "unhealthy_interval": "1s",
                "no_traffic_interval": "1s",
                "no_traffic_healthy_interval": "10s",
                "healthy_threshold": 1,
                "unhealthy_threshold": 2,
                "http_health_check": {"path": identity.jwks_path()},
            }
        ],
    )


def _plain_http(name: str, address: Address) -> Cluster:
    return typed(Cluster, name=name, **_by_name(name, (address,)), connect_timeout="1s")
