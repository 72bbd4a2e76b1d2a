"""The listeners: fixed skeletons. What changes (filters, routes) is read from files beside them."""

from collections.abc import Mapping
from typing import Any

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.listener.http_inspector.v3.http_inspector_pb2 import HttpInspector
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from google.protobuf.message import Message

from gateway.deployments import Address, Deployment
from gateway.envoy import clusters, connection, names, ndjson, sources, tls
from gateway.envoy.typed import pack, packed, seconds, typed


def listeners(deployment: Deployment) -> tuple[Listener, ...]:
    """Skeletons, still without filters and routes: plain HTTP, and TLS where there is any."""
    first = [ndjson.naming()]
    manager = connection.manager(deployment, first=first)
    soon = seconds(deployment.limits.headers_time)
    found = [_listener(names.LISTENER, deployment.listen, manager) | _speaking(soon)]
    if deployment.tls:
        manager = connection.manager(deployment, first=[tls.strict_transport(), *first])
        secure = {
            "transport_socket": tls.socket(deployment),
            "transport_socket_connect_timeout": soon,  # else a silent caller has for ever
        }
        found.append(_listener(names.TLS_LISTENER, deployment.tls.listen, manager, secure))
    return tuple(typed(Listener, **fields) for fields in found)


def discovered(skeleton: Listener, filters: Mapping[str, Message], root: str) -> Listener:
    """Filters and routes by reference: Envoy reads them from their own files."""
    chain = [_reference(name, message, root) for name, message in filters.items()]
    rds = {
        "route_config_name": names.ROUTES,
        "config_source": sources.watched(root, "rds.json"),
    }
    return _complete(
        skeleton, typed(hcm.HttpConnectionManager, http_filters=[*chain, _router()], rds=rds)
    )


def inline(
    skeleton: Listener, filters: Mapping[str, Message], routes: RouteConfiguration
) -> Listener:
    """The same with everything inside: what `envoy --mode validate` can see whole."""
    inside = hcm.HttpConnectionManager(route_config=routes)
    for name, message in filters.items():
        inside.http_filters.add(name=name).typed_config.Pack(message)
    inside.http_filters.append(typed(hcm.HttpFilter, **_router()))
    whole = _complete(skeleton, inside)
    tls.without_files(whole)
    return whole


def _listener(
    name: str,
    address: Address,
    manager: hcm.HttpConnectionManager,
    secure: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    http = {"name": "http", "typed_config": pack(manager)}
    return {
        "name": name,
        "address": clusters.socket_address(address),
        "per_connection_buffer_limit_bytes": clusters.BUFFER,
        "filter_chains": [{"filters": [http], **(secure or {})}],
    }


def _speaking(soon: str) -> dict[str, Any]:
    """Closes who has not sent a first line in time: the times of HTTP count from then on."""
    inspector = {"name": "first_line", "typed_config": packed(HttpInspector)}
    return {"listener_filters": [inspector], "listener_filters_timeout": soon}


def _complete(skeleton: Listener, inside: hcm.HttpConnectionManager) -> Listener:
    whole, manager = Listener(), hcm.HttpConnectionManager()
    whole.CopyFrom(skeleton)
    config = whole.filter_chains[0].filters[0].typed_config
    config.Unpack(manager)
    manager.MergeFrom(inside)
    config.Pack(manager)
    return whole


def _reference(name: str, message: Message, root: str) -> dict[str, Any]:
    return {
        "name": name,
        "config_discovery": {
            "type_urls": [f"type.googleapis.com/{message.DESCRIPTOR.full_name}"],
            "config_source": sources.watched(root, f"ecds_{name}.json"),
        },
    }


def _router() -> dict[str, Any]:
    return {"name": "router", "typed_config": packed(Router, suppress_envoy_headers=True)}
