"""The routes: one exact one for each method to who serves it, and behind them only dead ends."""

from collections import Counter
from collections.abc import Iterator, Mapping

from gateway.proof.configuration import Configuration, Finding, Json, kind_of
from gateway.proof.deployed import COOKIE, DOCUMENTS, Deployed
from gateway.proof.static_cookies import EVENTS
from gateway.proof.static_transcoding import check_transcoding

REMEDY = "run causeway compile and publish what it writes"
_ROUTE = {
    "name",
    "match",
    "metadata",
    "request_headers_to_add",
    "response_headers_to_add",
    "route",
    "typed_per_filter_config",
}
_ACTION = {
    "cluster",
    "cluster_not_found_response_code",
    "idle_timeout",
    "max_stream_duration",
    "retry_policy",
    "timeout",
}
_HOST = {
    "name",
    "domains",
    "request_headers_to_remove",
    "require_tls",
    "response_headers_to_add",
    "response_headers_to_remove",
    "routes",
    "typed_per_filter_config",
}


class Routes:
    """Checks one route configuration. `kinds`: name of a filter → its type."""

    def __init__(
        self, configuration: Configuration, kinds: Mapping[str, str], deployed: Deployed
    ) -> None:
        self._clusters = configuration.clusters
        self._kinds = kinds
        self._json_buffer = next((name for name, kind in kinds.items() if kind == "Buffer"), "")
        self._deployed = deployed
        self._rpcs = {rpc.path: rpc for rpc in deployed.rpcs}

    def check(self, name: str, config: Json) -> Iterator[Finding]:
        """Everything beyond, or short of, one route a method."""
        where = f"routes {name}"
        yield from self._overrides(where, "", config)
        for host in config.get("virtual_hosts", []):
            inside = f"{where}, host {host.get('name')}"
            if more := host.keys() - _HOST:
                yield Finding(inside, f"says {', '.join(sorted(more))}", REMEDY)
            if set(host.get("request_headers_to_remove", [])) - {"cookie"}:
                yield Finding(inside, "takes away headers that services look at", REMEDY)
            if any("*" in domain for domain in host.get("domains", [])):
                yield Finding(inside, "takes calls for hosts that nobody named", REMEDY)
            yield from self._overrides(inside, "", host)
            yield from self._host(inside, host.get("routes", []))

    def _host(self, where: str, routes: list[Json]) -> Iterator[Finding]:
        plain = [m["path"] for r in routes if set(m := r.get("match", {})) == {"path"}]
        exact = Counter(plain)
        for path in self._rpcs:
            if exact[path] != 1:
                yield Finding(where, f"{path} has {exact[path]} routes and not one", REMEDY)
        for one in routes:
            match = one.get("match", {})
            path = match.get("path", "")
            here = f"{where}, route {path or match}"
            yield from self._overrides(here, path, one)
            if path in DOCUMENTS:
                yield from _document(here, one)
                continue
            if _refuses(one):
                continue
            yield from _written(here, one)
            if more := one.keys() - _ROUTE:
                yield Finding(here, f"says {', '.join(sorted(more))}", REMEDY)
            yield from self._target(here, match, one.get("route", {}))

    def _target(self, where: str, match: Json, action: Json) -> Iterator[Finding]:
        if more := action.keys() - _ACTION:
            yield Finding(where, f"its target says {', '.join(sorted(more))}", REMEDY)
        cluster = action.get("cluster", "")
        rpc = self._rpcs.get(match.get("path", ""))
        if rpc and (set(match) == {"path"} or (for_events(match) and rpc.server_streams)):
            if cluster != rpc.area or cluster not in self._clusters:
                yield Finding(where, f"leads to {cluster!r} and not to {rpc.area!r}", REMEDY)
        elif match.get("prefix") != "/" or cluster in self._clusters or not cluster:
            text = f"lets more through than the methods, to {cluster!r}"
            yield Finding(where, text, "remove the route")

    def _overrides(self, where: str, path: str, level: Json) -> Iterator[Finding]:
        """What a filter is told otherwise here: never one that guards."""
        for name, config in level.get("typed_per_filter_config", {}).items():
            kind = self._kinds.get(name, "")
            told = kind_of(config)
            if kind == "GrpcJsonTranscoder" and path in DOCUMENTS and "direct_response" in level:
                continue  # it would refuse what is none of its bindings
            if kind == "Buffer" and told == "BufferPerRoute":
                yield from self._buffer(where, path, name, config)
            elif kind == "GrpcJsonTranscoder" and told == kind:
                yield from check_transcoding(config, f"{where}, {name}", self._deployed)
            elif kind == "Cors" and told == "CorsPolicy":
                yield from _origins(where, config, cookies=for_events(level.get("match", {})))
            elif kind == "HeaderMutation" and told == "FilterConfig":
                yield from _mutations(where, name, config)
            else:
                yield Finding(where, f"changes the filter {name} for this path", "remove that")

    def _buffer(self, where: str, path: str, name: str, config: Json) -> Iterator[Finding]:
        rpc = self._rpcs.get(path)
        # JSON is counted on the paths of REST; behind it, the second buffer counts messages.
        if rpc and name == self._json_buffer:
            return
        if config.get("disabled") and not (rpc and rpc.client_streams):
            yield Finding(where, "takes requests of any size", REMEDY)


def for_events(match: Json) -> bool:
    """Whether a route is for an EventSource, besides what it says of the path."""
    headers = match.get("headers", [])
    return bool(headers == [{"name": "accept", "string_match": EVENTS}])


def _origins(where: str, policy: Json, *, cookies: bool) -> Iterator[Finding]:
    if policy.get("allow_credentials") and not cookies:
        yield Finding(where, "pages may call with cookies", REMEDY)
    for match in policy.get("allow_origin_string_match", []):
        if set(match) != {"exact"} or "*" in match["exact"]:
            yield Finding(where, f"pages of {match} may call", "name exact origins")


def _mutations(where: str, name: str, config: Json) -> Iterator[Finding]:
    inner = config.get("config", {}).get("mutations", {})
    if inner.get("request_mutations"):
        yield Finding(where, f"the filter {name} writes headers of requests here", REMEDY)


def _refuses(route: Json) -> bool:
    """Whether it leads nowhere: to a refusal that the edge makes itself."""
    answer = route.get("direct_response", {})
    return bool(
        set(route) <= {"name", "match", "metadata", "direct_response"}
        and answer.get("status", 0) >= 400
    )


def _document(where: str, route: Json) -> Iterator[Finding]:
    """Answered by the edge itself, or not at all."""
    if "direct_response" not in route or route.keys() - _ROUTE - {"direct_response"}:
        yield Finding(where, "leads elsewhere than to the document", REMEDY)


def _written(where: str, route: Json) -> Iterator[Finding]:
    """What the edge writes into a request: the token of an EventSource alone, never over one."""
    for one in route.get("request_headers_to_add", []):
        header = one.get("header", {})
        token = header.get("key") == "authorization" and COOKIE in header.get("value", "")
        first = one.get("append_action") == "ADD_IF_ABSENT"
        if not (token and first and for_events(route.get("match", {}))):
            yield Finding(where, f"writes {header.get('key')} into requests", REMEDY)
