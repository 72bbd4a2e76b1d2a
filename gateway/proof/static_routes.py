"""The routes: one exact one for each method to who serves it, and behind them only dead ends."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import COOKIE, DOCUMENTS, READING, Deployed
from gateway.proof.shape import REMEDY, Maybe, anything, findings, packed
from gateway.proof.static_overrides import Overrides, for_events

_NOWHERE = "none"
_TOKEN = "[A-Za-z0-9_.-]+"  # noqa: S105 (the characters of one)
_WRITTEN = {
    "header": {
        "key": "authorization",
        "value": "%CEL(re.extract(request.headers['cookie'], "
        rf"'(?:^|.*?; ?){COOKIE}=({_TOKEN})(?:;.*|$)', 'Bearer \\1'))%",
    },
    "append_action": "ADD_IF_ABSENT",
}
"""All that the edge may write into a request: the token of an EventSource, never over one."""
_NO_CALL = {
    "name": "content-type",
    "string_match": {"prefix": "application/grpc", "ignore_case": True},
    "invert_match": True,
    "treat_missing_header_as_empty": True,
}
"""A gRPC call gets no document: it would arrive as the message of an error."""
_ANSWERS = {
    *("access-control-allow-origin", "cache-control", "content-type", "etag"),
    "x-accel-buffering",
}
"""Headers of answers that a route may write."""
_REPLICAS = {
    "retry_on": anything,
    "num_retries": anything,
    "retry_host_predicate": anything,
    "host_selection_retry_max_attempts": anything,
}


class Routes:
    """Checks one route configuration. `kinds`: name of a filter → its type."""

    def __init__(self, kinds: Mapping[str, str], deployed: Deployed) -> None:
        self._overrides = Overrides(kinds, deployed)
        self._deployed = deployed
        self._rpcs = {rpc.path: rpc for rpc in deployed.rpcs}

    def check(self, name: str, config: Json) -> Iterator[Finding]:
        """Everything beyond, or short of, one route a method."""
        where = f"routes {name}"
        yield from findings(where, config, _CONFIGURATION)
        hosts = config.get("virtual_hosts", [])
        if len(hosts) != 1:
            yield Finding(where, f"has {len(hosts)} hosts and not one", REMEDY)
        for host in hosts:
            inside = f"{where}, host {host.get('name')}"
            if set(host.get("domains", [])) - set(self._deployed.site.domains):
                yield Finding(inside, "takes calls for hosts that nobody named", REMEDY)
            yield from findings(inside, host, _HOST)
            yield from self._overrides.check(inside, host)
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
            yield from self._overrides.check(here, one)
            if path in DOCUMENTS:
                yield from findings(here, one, _DOCUMENT)
            elif not _refuses(one):
                yield from self._forwards(here, one)

    def _forwards(self, where: str, route: Json) -> Iterator[Finding]:
        match = route.get("match", {})
        written = [_WRITTEN] if for_events(route) and match.get("path") else []
        for one in route.get("request_headers_to_add", []):
            if one not in written:
                key = one.get("header", {}).get("key")
                yield Finding(where, f"writes {key} into requests", REMEDY)
        yield from findings(where, route, _FORWARDING)
        yield from self._target(where, route, route.get("route", {}).get("cluster", ""))

    def _target(self, where: str, route: Json, cluster: str) -> Iterator[Finding]:
        match = route.get("match", {})
        rpc = self._rpcs.get(match.get("path", ""))
        exact = set(match) == {"path"}
        if rpc and (exact or (match.keys() == {"path", "headers"} and for_events(route))):
            if not exact and not rpc.server_streams:
                yield Finding(where, "takes cookies for what is no stream", REMEDY)
            if cluster != rpc.area:
                yield Finding(where, f"leads to {cluster!r} and not to {rpc.area!r}", REMEDY)
        elif match.get("prefix") != "/" or cluster != _NOWHERE:
            text = f"lets more through than the methods, to {cluster!r}"
            yield Finding(where, text, "remove the route")


def _refuses(route: Json) -> bool:
    """Whether it leads nowhere: to a refusal that the edge makes itself."""
    answer = route.get("direct_response", {})
    return bool(
        set(route) <= {"name", "match", "metadata", "direct_response"}
        and answer.get("status", 0) >= 400
    )


def _answers(told: Any) -> bool:
    return all(one.get("header", {}).get("key") in _ANSWERS for one in told or [])


def _of_a_document(match: Any) -> bool:
    verbs = {"name": ":method", "string_match": {"safe_regex": {"regex": READING}}}
    known = {"name": "if-none-match"}
    first, second, *more = match.get("headers") or [None, None]
    narrower = all(known.items() <= one.items() for one in more)
    plain = (first, second) == (verbs, _NO_CALL)
    return match.keys() == {"path", "headers"} and plain and narrower


_CONFIGURATION = packed(
    "RouteConfiguration",
    name="edge",
    virtual_hosts=anything,  # looked at one by one
    validate_clusters=False,
    max_direct_response_body_size_bytes=anything,
)
_HOST = {
    "name": anything,
    "domains": anything,  # told apart, as the routes are and what filters are told here
    "routes": anything,
    "request_headers_to_remove": ["cookie"],
    "typed_per_filter_config": Maybe(anything),
}
_NAMED = {
    "name": anything,
    "match": anything,
    "metadata": anything,
    "typed_per_filter_config": Maybe(anything),
    "response_headers_to_add": Maybe(_answers),
}
_FORWARDING = {
    **_NAMED,
    "request_headers_to_add": Maybe(anything),
    "request_headers_to_remove": Maybe(anything),  # less reaches a service, never more
    "route": {
        "cluster": anything,
        "cluster_not_found_response_code": Maybe("NOT_FOUND"),
        "idle_timeout": Maybe(anything),
        "max_stream_duration": Maybe(anything),
        "retry_policy": Maybe(_REPLICAS),
        "timeout": Maybe(anything),
    },
}
_DOCUMENT = {
    **_NAMED,
    "match": _of_a_document,
    "direct_response": {
        "status": lambda status: status in (200, 304),
        "body": Maybe({"inline_string": anything}),
    },
}
