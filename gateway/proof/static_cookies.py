"""The one place where a token may be in a cookie: a browser's EventSource on a stream.

A browser adds cookies to calls of foreign pages too. So a rule that reads one must be for the GET
of one stream, for Server-Sent Events, and for our own or a named origin: such a call changes
nothing, and a foreign page can't make it.
"""

import re
from collections.abc import Iterator, Mapping

from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import Deployed
from gateway.proof.static_places import Place, place_of

REMEDY = "remove the rule: cookies are for EventSource alone"
EVENTS = {"contains": "text/event-stream", "ignore_case": True}
OWN_PAGE = "(same-origin)?"


def reads_cookie(provider: Json) -> bool:
    """Whether a provider takes tokens from a cookie."""
    return bool(provider.get("from_cookies"))


def check_cookie_rule(rule: Json, providers: Json, deployed: Deployed) -> Iterator[Finding]:
    """Whether a rule before the last one is for such a call alone, and asks for a token still."""
    match = rule.get("match", {})
    place = place_of(match, deployed)
    where = f"token filter, rule for {' '.join(place) if place else match}"
    if not _asks(rule, providers):
        yield Finding(where, "asks for less than one token of ours", REMEDY)
    if place not in _streams(deployed):
        yield Finding(where, "is not for the GET of one stream", REMEDY)
    headers = {header.get("name"): header for header in match.get("headers", [])}
    if headers.get("accept") != {"name": "accept", "string_match": EVENTS}:
        yield Finding(where, "is not for Server-Sent Events alone", REMEDY)
    if not _from_our_pages(headers):
        yield Finding(where, "is for pages of any origin", REMEDY)


def _asks(rule: Json, providers: Json) -> bool:
    either = rule.get("requires", {}).get("requires_any", {}).get("requirements", [])
    names = [one.get("provider_name") for one in either if set(one) == {"provider_name"}]
    return len(names) == len(either) > 0 and set(names) <= set(providers)


def _streams(deployed: Deployed) -> set[Place | None]:
    return {
        (one.verb, one.template)
        for rpc in deployed.surface.rpcs
        for one in rpc.bindings
        if rpc.server_streams and rpc.safe and one.verb == "GET"
    }


def _from_our_pages(headers: Mapping[str | None, Json]) -> bool:
    origin = dict(headers.get("origin", {}))
    if not origin.get("string_match"):
        absent = origin.get("present_match", False) is False and "present_match" in origin
        site = headers.get("sec-fetch-site", {}).get("string_match", {})
        return absent and site == {"safe_regex": {"regex": OWN_PAGE}}
    pattern = origin["string_match"].get("safe_regex", {}).get("regex", ".")
    return not re.search(r"[.*+?()\[\]{}^$\\]", re.sub(r"\\.", "", pattern))
