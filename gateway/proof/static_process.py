"""What Envoy is started with: its own files, its admin address, and no listener besides."""

from collections.abc import Iterator
from typing import Any

from gateway.proof.configuration import Configuration, Finding
from gateway.proof.deployed import Deployed, socket_address
from gateway.proof.shape import REMEDY, anything, findings, packed

_LISTENERS = ("edge", "edge_tls")
_HEAP = "envoy.resource_monitors.fixed_heap"
_CONNECTIONS = "envoy.resource_monitors.global_downstream_max_connections"
_SHEDDING = {
    "envoy.overload_actions.shrink_heap": 0.90,
    "envoy.overload_actions.stop_accepting_requests": 0.95,
    "envoy.overload_actions.stop_accepting_connections": 0.98,
}


def check_process(configuration: Configuration, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which the bootstrap is not the one of this deployment."""
    if not configuration.bootstrap:
        yield Finding("bootstrap", "is not there to be read", REMEDY)
        return
    yield from findings("bootstrap", configuration.bootstrap, _bootstrap(deployed))


def _bootstrap(deployed: Deployed) -> dict[str, Any]:
    files = {"lds_config": "lds.json", "cds_config": "cds.json"}
    return {
        "node": anything,  # who it says it is; Envoy adds its version
        "admin": {
            "address": socket_address(deployed.site.admin),
            "ignore_global_conn_limit": True,
        },
        "dynamic_resources": {key: deployed.watched(name) for key, name in files.items()},
        "layered_runtime": {"layers": [{"name": "static", "static_layer": _runtime(deployed)}]},
        "overload_manager": _overload(deployed),
    }


def _runtime(deployed: Deployed) -> dict[str, Any]:
    limit = deployed.site.limits.connections
    limits = {f"envoy.resource_limits.listener.{one}.connection_limit": limit for one in _LISTENERS}
    return {**limits, "overload.premature_reset_total_stream_count": 500}


def _overload(deployed: Deployed) -> dict[str, Any]:
    limits = deployed.site.limits
    heap = packed("FixedHeapConfig", max_heap_size_bytes=str(limits.heap))
    most = str(len(_LISTENERS) * limits.connections)
    connections = packed("DownstreamConnectionsConfig", max_active_downstream_connections=most)
    return {
        "refresh_interval": anything,
        "resource_monitors": [
            {"name": _HEAP, "typed_config": heap},
            {"name": _CONNECTIONS, "typed_config": connections},
        ],
        "actions": [
            {"name": name, "triggers": [{"name": _HEAP, "threshold": {"value": at}}]}
            for name, at in _SHEDDING.items()
        ],
    }
