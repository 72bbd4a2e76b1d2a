"""Where calls go: the services of this deployment at its addresses, and nobody else."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from gateway.proof.configuration import Configuration, Finding, Json
from gateway.proof.deployed import COLLECTOR, KEYCLOAK, Deployed, socket_address
from gateway.proof.shape import REMEDY, TYPE, Maybe, anything, findings, packed
from gateway.proof.site import Address

_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TUNING = ("circuit_breakers", "common_lb_config", "connect_timeout", "lb_policy",
           "close_connections_on_host_health_failure", "ignore_health_on_host_removal",
           "outlier_detection", "per_connection_buffer_limit_bytes",
           "upstream_connection_options")  # fmt: skip
"""How replicas are chosen and left alone: it can't send a call to anybody else."""


def check_clusters(configuration: Configuration, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which a cluster is none of the deployment, or is found elsewhere."""
    site = deployed.site
    areas = {name: tuple(site.clusters[name]) for name in site.clusters}
    others = {KEYCLOAK: (site.keycloak,)}
    if site.collector:
        others[COLLECTOR] = (site.collector,)
    for name in (areas.keys() | others.keys()) - configuration.clusters.keys():
        yield Finding(f"cluster {name}", "is not there", REMEDY)
    for name, cluster in configuration.clusters.items():
        where = f"cluster {name}"
        if name in areas:
            yield from findings(where, cluster, _area(deployed, name, areas[name]))
            yield from _members(where, configuration.endpoints.get(name), areas[name])
        elif name in others:
            yield from findings(where, cluster, _other(deployed, name, others[name]))
            yield from _members(where, configuration.endpoints.get(name), others[name])
        else:
            yield Finding(where, "is none of this deployment", "remove it")


def _area(deployed: Deployed, name: str, addresses: Sequence[Address]) -> dict[str, Any]:
    options = packed(
        "HttpProtocolOptions",
        common_http_protocol_options=anything,
        explicit_http_config={"http2_protocol_options": anything},
    )
    tuning = {key: Maybe(anything) for key in _TUNING}
    return packed(
        "Cluster",
        name=name,
        health_checks=lambda told: len(told) == 1 and told[0].get("grpc_health_check") == {},
        typed_extension_protocol_options={_HTTP: options},
        **tuning,
        **_discovery(deployed, name, addresses),
    )


def _discovery(deployed: Deployed, name: str, addresses: Sequence[Address]) -> dict[str, Any]:
    if not all(address.is_ip for address in addresses):
        return _by_name(name, addresses)
    return {
        "type": "EDS",
        "eds_cluster_config": {"eds_config": deployed.watched(f"eds_{name}.json")},
    }


def _by_name(name: str, addresses: Sequence[Address]) -> dict[str, Any]:
    resolved = not all(address.is_ip for address in addresses)
    members = [{"endpoint": {"address": socket_address(address)}} for address in addresses]
    return {
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": members}]},
        "dns_lookup_family": anything,
        "type": "STRICT_DNS" if resolved else Maybe("STATIC"),
        **({"dns_refresh_rate": anything} if resolved else {}),
    }


def _other(deployed: Deployed, name: str, addresses: Sequence[Address]) -> dict[str, Any]:
    path = urlsplit(deployed.keys).path
    check = {"http_health_check": {"path": path}}
    health = {"health_checks": lambda told: len(told) == 1 and check.items() <= told[0].items()}
    return packed(
        "Cluster",
        name=name,
        connect_timeout=anything,
        **_by_name(name, addresses),
        **(health if name == KEYCLOAK else {}),
    )


def _members(where: str, told: Json | None, addresses: Sequence[Address]) -> Iterator[Finding]:
    """Where a file or the running edge has the replicas: these and no others, once each."""
    by_address = all(address.is_ip for address in addresses)
    if not by_address:
        return  # the names stand in the cluster; who resolves them is not the edge
    if told is None:
        return
    wanted = sorted((address.host, address.port) for address in addresses)
    found = [_place(one) for group in told.get("endpoints", []) for one in group["lb_endpoints"]]
    if sorted(found) != wanted or told.keys() - {TYPE, "cluster_name", "endpoints", "policy"}:
        yield Finding(where, f"its replicas are {sorted(found)} and not {wanted}", REMEDY)


def _place(member: Json) -> tuple[str, int]:
    """The address, or one that is nobody's where it can't be read."""
    endpoint = member.get("endpoint", {})
    address = endpoint.get("address", {})
    socket = address.get("socket_address", {})
    plain = set(address) == {"socket_address"} and set(socket) <= {"address", "port_value"}
    odd = endpoint.keys() - {"address", "health_check_config", "hostname"}
    if not plain or odd:
        return "an address that the proof can't read", 0
    return str(socket.get("address")), int(socket.get("port_value", 0))
