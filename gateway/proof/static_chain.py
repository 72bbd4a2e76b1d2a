"""The listeners: nothing but HTTP, every guard in its place, and no way round one."""

from collections import Counter
from collections.abc import Iterator

from gateway.proof.configuration import (
    Configuration,
    Finding,
    HttpFilter,
    Json,
    chain_of,
    kind_of,
    managers,
)
from gateway.proof.deployed import Deployed
from gateway.proof.shape import REMEDY, findings
from gateway.proof.static_clusters import check_clusters
from gateway.proof.static_filters import check_filter, entry_shape, filter_shapes, header_shape
from gateway.proof.static_listeners import ENCRYPTED, check_listeners, check_manager
from gateway.proof.static_process import check_process
from gateway.proof.static_roles import check_roles
from gateway.proof.static_routes import Routes
from gateway.proof.static_tokens import check_tokens
from gateway.proof.static_transcoding import check_transcoding

ORDER = (
    *("HeaderMutation", "HealthCheck", "HealthCheck", "LocalRateLimit"),
    *("Cors", "GrpcWeb", "JwtAuthentication"),
    *("Buffer", "GrpcJsonTranscoder", "RBAC", "LocalRateLimit", "Buffer", "Router"),
)
"""These in this order and no others: the role filter must see what the transcoder made. Of the
buffers the first counts JSON, the second messages; of the limits the first counts everybody, the
second who was let in. A listener with TLS has one filter more that writes headers of answers."""


def check(configuration: Configuration, deployed: Deployed) -> list[Finding]:
    """Every difference between a configuration and the protos, sorted. Empty: it is proven."""
    return sorted(set(_check(configuration, deployed)))


def _check(configuration: Configuration, deployed: Deployed) -> Iterator[Finding]:
    for odd in configuration.odd:
        yield Finding(configuration.source, f"holds {odd}, which the proof does not know", REMEDY)
    yield from check_process(configuration, deployed)
    yield from check_clusters(configuration, deployed)
    yield from check_listeners(configuration, deployed)
    found = list(managers(configuration))
    if not found:
        yield Finding(configuration.source, "has no listener", REMEDY)
    for where, manager in found:
        if kind_of(manager) != "HttpConnectionManager":
            yield Finding(where, f"passes on what is no HTTP ({kind_of(manager)})", "remove it")
            continue
        yield from _manager(where, configuration, manager, deployed)


def _manager(
    where: str, configuration: Configuration, manager: Json, deployed: Deployed
) -> Iterator[Finding]:
    yield from check_manager(where, manager, deployed)
    chain = chain_of(configuration, manager)
    yield from _order(where, chain)
    for one in chain:
        yield from findings(f"{where}, {one.name}", one.entry, entry_shape(one, deployed))
    yield from _guards(where, chain, deployed)
    name = manager.get("rds", {}).get("route_config_name", "")
    routes = configuration.routes.get(name)
    if routes is None:
        yield Finding(where, "has no routes that the proof could read", REMEDY)
        return
    kinds = {one.name: one.kind for one in chain}
    yield from Routes(kinds, deployed).check(name, routes)


def _order(where: str, chain: list[HttpFilter]) -> Iterator[Finding]:
    kinds = [one.kind for one in chain]
    more = ["HeaderMutation"] if where.endswith(f" {ENCRYPTED}") else []
    known = [kind for kind in kinds if kind in ORDER]
    if known != [*more, *ORDER]:
        text = f"the filters are {', '.join(kinds)}, and must have {', '.join(ORDER)} in this order"
        yield Finding(where, text, REMEDY)
    for one in chain:
        if one.kind not in ORDER:
            text = f"has the filter {one.name} ({one.kind}), which the proof does not know"
            yield Finding(where, text, "remove it, or teach the proof what it may do")


def _guards(where: str, chain: list[HttpFilter], deployed: Deployed) -> Iterator[Finding]:
    shapes = filter_shapes(deployed)
    seen: Counter[str] = Counter()
    for one in chain:
        number = seen[one.kind]
        seen[one.kind] += 1
        if one.kind == "JwtAuthentication":
            yield from check_tokens(one.config, deployed)
        elif one.kind == "GrpcJsonTranscoder":
            yield from check_transcoding(one.config, f"{where}, {one.name}", deployed)
        elif one.kind == "RBAC":
            yield from check_roles(one.config, deployed)
        elif one.kind == "HeaderMutation":
            yield from check_filter(where, one, header_shape())
        elif number < len(shapes.get(one.kind, ())):
            yield from check_filter(where, one, shapes[one.kind][number])
