"""The listeners: nothing but HTTP, every guard in its place, and no way round one."""

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
from gateway.proof.deployed import HEALTH_PATHS, Deployed
from gateway.proof.static_roles import check_roles
from gateway.proof.static_routes import Routes
from gateway.proof.static_tokens import PAYLOAD, check_tokens
from gateway.proof.static_transcoding import check_transcoding

REMEDY = "run causeway compile and publish what it writes"
ORDER = (
    *("Cors", "GrpcWeb", "JwtAuthentication"),
    *("Buffer", "GrpcJsonTranscoder", "RBAC", "Buffer", "Router"),
)
"""Each exactly once, in this order: the role filter must see what the transcoder made. Of the
buffers the first counts JSON, the second messages."""
OTHERS = ("HealthCheck", "LocalRateLimit", "HeaderMutation")
_PATHS = {
    "normalize_path": True,
    "merge_slashes": True,
    "path_with_escaped_slashes_action": "REJECT_REQUEST",
}


def check(configuration: Configuration, deployed: Deployed) -> list[Finding]:
    """Every difference between a configuration and the protos, sorted. Empty: it is proven."""
    return sorted(set(_check(configuration, deployed)))


def _check(configuration: Configuration, deployed: Deployed) -> Iterator[Finding]:
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
    for key, value in _PATHS.items():
        if manager.get(key) != value:
            yield Finding(where, f"{key} is {manager.get(key)!r} and not {value!r}", REMEDY)
    chain = chain_of(configuration, manager)
    yield from _order(where, chain)
    for one in chain:
        yield from _entry(where, one)
    yield from _guards(where, chain, deployed)
    name = manager.get("rds", {}).get("route_config_name", "")
    routes = manager.get("route_config") or configuration.routes.get(name)
    if routes is None:
        yield Finding(where, "has no routes that the proof could read", REMEDY)
        return
    kinds = {one.name: one.kind for one in chain}
    yield from Routes(configuration, kinds, deployed).check(name, routes)


def _order(where: str, chain: list[HttpFilter]) -> Iterator[Finding]:
    kinds = [one.kind for one in chain]
    if [kind for kind in kinds if kind in ORDER] != list(ORDER):
        text = f"the filters are {', '.join(kinds)}, and must have {', '.join(ORDER)} in this order"
        yield Finding(where, text, REMEDY)
    for one in chain:
        if one.kind not in (*ORDER, *OTHERS):
            text = f"has the filter {one.name} ({one.kind}), which the proof does not know"
            yield Finding(where, text, "remove it, or teach the proof what it may do")


def _entry(where: str, one: HttpFilter) -> Iterator[Finding]:
    """No filter that guards may be off, or be left out where its configuration is missing."""
    for key in ("disabled", "is_optional"):
        if one.entry.get(key) and one.kind != "HeaderMutation":
            yield Finding(where, f"the filter {one.name} is {key}", REMEDY)
    if one.entry.get("config_discovery", {}).get("default_config"):
        yield Finding(where, f"the filter {one.name} starts with another configuration", REMEDY)


def _guards(where: str, chain: list[HttpFilter], deployed: Deployed) -> Iterator[Finding]:
    for one in chain:
        if one.kind == "JwtAuthentication":
            yield from check_tokens(one.config, deployed)
        elif one.kind == "GrpcJsonTranscoder":
            yield from check_transcoding(one.config, f"{where}, {one.name}", deployed)
        elif one.kind == "RBAC":
            yield from check_roles(one.config, deployed, PAYLOAD)
        elif one.kind == "HealthCheck":
            yield from _health(where, one)
        elif one.config.get("mutations", {}).get("request_mutations"):
            text = f"the filter {one.name} writes headers of requests"
            yield Finding(where, text, "remove it: services would read what no caller sent")


def _health(where: str, one: HttpFilter) -> Iterator[Finding]:
    headers = one.config.get("headers", [])
    path = headers[0].get("string_match", {}).get("exact") if len(headers) == 1 else None
    named = path in HEALTH_PATHS and headers[0].get("name") == ":path"
    if not named or one.config.get("pass_through_mode"):
        yield Finding(where, f"the filter {one.name} answers more than its own path", REMEDY)
