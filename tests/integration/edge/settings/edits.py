"""Taking one setting away: pure functions from Edge to Edge."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from envoy.extensions.filters.http.grpc_json_transcoder.v3.transcoder_pb2 import GrpcJsonTranscoder
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext
from google.protobuf.message import Message

from gateway.envoy import names
from gateway.envoy.edge import Edge

Change: TypeAlias = Callable[[Edge], Edge]


def without(target: str, path: str) -> Change:
    """Clear the field at the dotted path, in every element of what is repeated on the way.

    `target`: a filter's name, or one of `_PARTS`.
    """
    return edited(target, lambda message: clear(message, path))


def without_of_transcoders(path: str) -> Change:
    """Clear a field of the transcoder, and of the ones that routes have of their own."""

    def of_routes(routes: Any) -> None:
        for route in (one for host in routes.virtual_hosts for one in host.routes):
            if names.TRANSCODER in route.typed_per_filter_config:
                own = route.typed_per_filter_config[names.TRANSCODER]
                _unpacked(own, GrpcJsonTranscoder(), lambda message: clear(message, path))

    return all_of(without(names.TRANSCODER, path), edited("routes", of_routes))


def edited(target: str, edit: Callable[[Any], None]) -> Change:
    """Change a copy of one part in place; where a part is there more than once, each."""
    return _PARTS[target](edit) if target in _PARTS else _filter(target, edit)


def all_of(*changes: Change) -> Change:
    def change(edge: Edge) -> Edge:
        for one in changes:
            edge = one(edge)
        return edge

    return change


def moved(name: str, before: str) -> Change:
    """One filter to a place just before another; to the end where that is empty."""

    def change(edge: Edge) -> Edge:
        others = {key: value for key, value in edge.filters.items() if key != name}
        order = [*others]
        order.insert(order.index(before) if before else len(order), name)
        return replace(edge, filters={key: edge.filters[key] for key in order})

    return change


def dropped(name: str) -> Change:
    """The chain without one filter."""
    return lambda edge: replace(
        edge, filters={key: value for key, value in edge.filters.items() if key != name}
    )


def clear(message: Message, path: str) -> None:
    first, _, rest = path.partition(".")
    if not rest:
        message.ClearField(first)
        return
    value = getattr(message, first)
    if isinstance(value, Message) and not message.HasField(first):
        return  # to clear in it would set it: Envoy refuses a route that has nothing but a policy
    for part in _parts(value):
        clear(part, rest)


def _parts(value: Any) -> Iterator[Message]:
    if isinstance(value, Message):
        return iter([value])
    return iter(value.values() if hasattr(value, "values") else value)


def _copied(message: Any, edit: Callable[[Any], None]) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    edit(copy)
    return copy


def _filter(name: str, edit: Callable[[Any], None]) -> Change:
    return lambda edge: replace(
        edge, filters={**edge.filters, name: _copied(edge.filters[name], edit)}
    )


def _process(edit: Callable[[Any], None]) -> Change:
    return lambda edge: replace(edge, process=_copied(edge.process, edit))


def _routes(edit: Callable[[Any], None]) -> Change:
    return lambda edge: replace(edge, routes=_copied(edge.routes, edit))


def _clusters(edit: Callable[[Any], None]) -> Change:
    return lambda edge: replace(
        edge, clusters=tuple(_copied(cluster, edit) for cluster in edge.clusters)
    )


def _listeners(edit: Callable[[Any], None]) -> Change:
    return lambda edge: replace(
        edge, listeners=tuple(_copied(listener, edit) for listener in edge.listeners)
    )


def _managers(edit: Callable[[Any], None]) -> Change:
    def inside(listener: Any) -> None:
        for chain in listener.filter_chains:
            _unpacked(chain.filters[0].typed_config, hcm.HttpConnectionManager(), edit)

    return _listeners(inside)


def _tls(edit: Callable[[Any], None]) -> Change:
    def inside(listener: Any) -> None:
        for chain in listener.filter_chains:
            if chain.HasField("transport_socket"):
                config = chain.transport_socket.typed_config
                _unpacked(config, DownstreamTlsContext(), edit)

    return _listeners(inside)


def _unpacked(packed: Any, message: Message, edit: Callable[[Any], None]) -> None:
    packed.Unpack(message)
    edit(message)
    packed.Pack(message)


_PARTS: dict[str, Callable[[Callable[[Any], None]], Change]] = {
    "process": _process,
    "listener": _listeners,
    "manager": _managers,
    "tls": _tls,
    "routes": _routes,
    "cluster": _clusters,
}
