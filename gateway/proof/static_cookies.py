"""The one place where a token may be in a cookie: a browser's EventSource on a stream.

A browser adds cookies to calls of foreign pages too. So a rule that reads one must be for the GET
of one stream, for Server-Sent Events, and for our own or a named origin: such a call changes
nothing, and a foreign page can't make it.
"""

import re
from collections.abc import Iterator

from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import Deployed
from gateway.proof.static_places import Place, place_of

REMEDY = "remove the rule: cookies are for EventSource alone"
EVENTS = {"contains": "text/event-stream", "ignore_case": True}
ACCEPT = {"name": "accept", "string_match": EVENTS}
OWN_PAGE = "(same-origin)?"


def reads_cookie(provider: Json) -> bool:
    """Whether a provider takes tokens from a cookie."""
    return bool(provider.get("from_cookies"))


def check_cookie_rule(rule: Json, providers: Json, deployed: Deployed) -> Iterator[Finding]:
    """Whether a rule before the last one is for such a call alone, and asks for a token still."""
    match = rule.get("match", {})
    place = place_of(match, deployed)
    where = f"token filter, rule for {' '.join(place) if place else match}"
    if set(rule) != {"match", "requires"} or not _asks(rule, providers):
        yield Finding(where, "asks for less than one token of ours", REMEDY)
    if place not in _streams(deployed):
        yield Finding(where, "is not for the GET of one stream", REMEDY)
    headers = [one for one in match.get("headers", []) if one.get("name") != ":method"]
    if ACCEPT not in headers:
        yield Finding(where, "is not for Server-Sent Events alone", REMEDY)
    if [one for one in headers if one != ACCEPT] not in list(_our_pages(deployed)):
        yield Finding(where, "is for pages of any origin, or of another than ours", REMEDY)


def _asks(rule: Json, providers: Json) -> bool:
    requires = rule.get("requires", {})
    either = requires.get("requires_any", {})
    names = [one.get("provider_name") for one in either.get("requirements", [])]
    plain = [{"provider_name": name} for name in names]
    exact = requires == {"requires_any": {"requirements": plain}}
    return exact and len(names) > 0 and set(names) <= set(providers)


def _streams(deployed: Deployed) -> set[Place | None]:
    return {
        (one.verb, one.template)
        for rpc in deployed.surface.rpcs
        for one in rpc.bindings
        if rpc.server_streams and rpc.safe and one.verb == "GET"
    }


def _our_pages(deployed: Deployed) -> Iterator[list[Json]]:
    """Each way in which a call shows that it comes from a page of ours, header by header."""
    same = {"safe_regex": {"regex": OWN_PAGE}}
    yield [
        {"name": "origin", "present_match": False},
        {"name": "sec-fetch-site", "string_match": same, "treat_missing_header_as_empty": True},
    ]
    if origins := deployed.site.origins:
        allowed = "|".join(re.escape(origin) for origin in origins)
        yield [{"name": "origin", "string_match": {"safe_regex": {"regex": allowed}}}]
