"""Cells of tokens in a cookie: they count for an EventSource on a stream, and never else."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.proof.callers import BEARER, Caller, Standing
from gateway.proof.deployed import COOKIE
from gateway.proof.expected import DENIED, UNAUTHENTICATED, Expected, at_edge, edge
from gateway.proof.requests import Wire
from gateway.proof.surface import Rpc

ACCEPT = ("accept", "text/event-stream")
FOREIGN_PAGES = {
    "of a foreign origin": (("origin", "https://elsewhere.example"),),
    "of a foreign page that can't read": (("sec-fetch-site", "cross-site"),),
}


def event_source(
    rpc: Rpc, wire: Wire, caller: Caller
) -> Iterator[tuple[str, Wire, Caller, Expected]]:
    """Protocol, request, caller with its token in the cookie, and what must come back."""
    token = dict(caller.headers).get("authorization", "")
    if wire.verb != "GET" or len(caller.headers) != 1 or not token.startswith(BEARER):
        return
    moved = replace(caller, headers=(("cookie", f"{COOKIE}={token.removeprefix(BEARER)}"),))
    asking = replace(wire, headers=(*wire.headers, ACCEPT))
    unseen = edge(UNAUTHENTICATED)
    if not rpc.server_streams:
        yield "EventSource on what is no stream", asking, moved, unseen
        return
    yield "EventSource", asking, moved, _own_page(rpc, caller, invalid=wire.invalid)
    for name, headers in FOREIGN_PAGES.items():
        foreign = replace(asking, headers=(*asking.headers, *headers))
        yield f"EventSource {name}", foreign, moved, unseen


def _own_page(rpc: Rpc, caller: Caller, *, invalid: bool) -> Expected:
    """As with the header; of two ways to show a token, either one's refusal may be told."""
    expected = at_edge(rpc, caller, invalid=invalid)
    if caller.standing is Standing.FOREIGN:
        return expected | edge(UNAUTHENTICATED, DENIED)
    return expected
