"""What Envoy is started with. All else it reads from the files that this names."""

from collections.abc import Iterable
from typing import Any

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.resource_monitors.downstream_connections.v3 import downstream_connections_pb2
from envoy.extensions.resource_monitors.fixed_heap.v3.fixed_heap_pb2 import FixedHeapConfig

from gateway.deployments import Deployment, Limits
from gateway.envoy import clusters, names, sources
from gateway.envoy.typed import packed, typed

_LISTENERS = (names.LISTENER, names.TLS_LISTENER)


def process(deployment: Deployment) -> Bootstrap:
    """What holds for the whole process; it still has no resources."""
    return typed(
        Bootstrap,
        node={"id": "edge", "cluster": "causeway"},
        # Who fills the listeners does not lock out who looks after the edge.
        admin={
            "address": clusters.socket_address(deployment.admin),
            "ignore_global_conn_limit": True,
        },
        layered_runtime={"layers": [_runtime(deployment.limits)]},
        overload_manager=_overload(deployment.limits),
    )


def watching(process: Bootstrap, root: str) -> Bootstrap:
    """Listeners and clusters come from watched files."""
    files = {
        "lds_config": sources.watched(root, "lds.json"),
        "cds_config": sources.watched(root, "cds.json"),
    }
    return _merged(process, dynamic_resources=files)


def whole(
    process: Bootstrap, listeners: Iterable[Listener], all_clusters: Iterable[Cluster]
) -> Bootstrap:
    """Everything in one file, for `envoy --mode validate`: it reads no watched files."""
    merged = Bootstrap()
    merged.static_resources.listeners.extend(listeners)
    merged.static_resources.clusters.extend(all_clusters)
    merged.MergeFrom(process)
    return merged


def _merged(process: Bootstrap, **resources: object) -> Bootstrap:
    merged = typed(Bootstrap, **resources)
    merged.MergeFrom(process)
    return merged


def _runtime(limits: Limits) -> dict[str, Any]:
    return {
        "name": "static",
        "static_layer": {
            **{
                f"envoy.resource_limits.listener.{name}.connection_limit": limits.connections
                for name in _LISTENERS
            },
            # A connection that mostly resets what it opens (rapid reset) is closed.
            "overload.premature_reset_total_stream_count": 500,
        },
    }


def _overload(limits: Limits) -> dict[str, Any]:
    heap = packed(FixedHeapConfig, max_heap_size_bytes=limits.heap)
    connections = packed(
        downstream_connections_pb2.DownstreamConnectionsConfig,
        # Room for each listener: who fills one leaves the other its own.
        max_active_downstream_connections=len(_LISTENERS) * limits.connections,
    )
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {"name": "envoy.resource_monitors.fixed_heap", "typed_config": heap},
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": connections,
            },
        ],
        "actions": [
            _action("envoy.overload_actions.shrink_heap", 0.90),
            _action("envoy.overload_actions.stop_accepting_requests", 0.95),
            _action("envoy.overload_actions.stop_accepting_connections", 0.98),
        ],
    }


def _action(name: str, threshold: float) -> dict[str, Any]:
    heap = "envoy.resource_monitors.fixed_heap"
    return {"name": name, "triggers": [{"name": heap, "threshold": {"value": threshold}}]}
