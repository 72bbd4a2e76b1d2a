"""`python -m benchmarks.edge`: what the edge costs, beside calls that go past it, in one table.

Everything is on: all filters, limits, access log, one worker as the local platform runs it. The
service behind it checks the token again. Callers, Envoy and the service share the machine's cores.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from benchmarks import cli
from benchmarks.edge_parts import EdgeBench, Place, Seen, running
from benchmarks.harness import Rounds, Row, Say, Target, all_in_turns
from gateway.envoy import names
from gateway.envoy.edge import Edge

SECONDS = 1.2
"""Of each load, after its warm-up."""
ROUNDS = 5
ALLOWED = 1.0
"""Milliseconds that a call with nothing else under way may take longer."""

Sides = Mapping[str, Callable[[], Awaitable[Seen]]]
Found = Sequence[Mapping[str, Seen]]
"""What was seen on each side, for each round."""


async def edge(bench: EdgeBench) -> Sequence[Row]:
    """The service with the kit of all our services, called by 16 at once in each protocol."""
    with bench.backend("kit") as service, bench.edge(service) as envoy:
        assert envoy.secure
        sides: Sides = {
            **_basic(bench, service, envoy),
            "rest2": partial(bench.load, envoy, "rest"),
            "web": partial(bench.load, envoy, "grpc-web"),
            "tls": partial(bench.load, envoy.secure),
        }
        found = await _measured(bench, sides)
    rates = partial(_rates, found, theirs="grpc")
    return [
        *_judged(found, "the service"),
        Row("REST over HTTP/2", "gRPC by the edge", "calls/s", rates("rest2")),
        Row("gRPC-Web", "gRPC by the edge", "calls/s", rates("web")),
        Row("gRPC over TLS", "gRPC by the edge", "calls/s", rates("tls")),
    ]


async def edge_bare(bench: EdgeBench) -> Sequence[Row]:
    """A service without the kit: the edge looks dearer before it than before any of ours."""
    with bench.backend("bare") as service, bench.edge(service) as envoy:
        found = await _measured(bench, _basic(bench, service, envoy))
    return _judged(found, "bare grpc.aio")


def _basic(bench: EdgeBench, service: Place, envoy: Place) -> Sides:
    return {
        "direct": partial(bench.load, service),
        "grpc": partial(bench.load, envoy),
        "rest": partial(bench.load, envoy, "rest1"),
    }


def _judged(found: Found, what: str) -> list[Row]:
    direct, grpc = _rates(found, "grpc", "direct"), _rates(found, "rest", "grpc")
    return [
        Row(f"gRPC, {what}", "direct", "calls/s", direct, Target(least=0.55)),
        Row(f"REST, {what}", "gRPC by the edge", "calls/s", grpc, Target(least=1)),
    ]


async def edge_added(bench: EdgeBench) -> Sequence[Row]:
    """What a caller with nothing else under way waits longer, as a median."""
    alone = partial(bench.load, callers=1)
    with bench.backend("kit") as service, bench.edge(service) as envoy:
        sides: Sides = {
            "direct": partial(alone, service),
            "grpc": partial(alone, envoy),
            "rest": partial(alone, envoy, "rest1"),
        }
        found = await _measured(bench, sides)
    return [
        Row(f"added to {name}, 1 caller", "allowed", "ms", _added(found, side), Target(most=1))
        for name, side in (("gRPC", "grpc"), ("REST", "rest"))
    ]


async def edge_limit(bench: EdgeBench) -> Sequence[Row]:
    """Envoy with the router alone: what a proxy costs before it checks anything."""
    with (
        bench.backend("kit") as service,
        bench.edge(service) as envoy,
        bench.edge(service, _router_alone) as bare,
    ):
        sides: Sides = {
            "ours": partial(bench.load, envoy),
            "router": partial(bench.load, bare),
            "rest": partial(bench.load, envoy, "rest1"),
        }
        found = await _measured(bench, sides)
    costs = partial(_costs, found)
    return [
        Row("all filters", "router alone", "calls/s", _rates(found, "ours", "router")),
        Row("CPU of Envoy, gRPC", "router alone", "µs/call", costs("ours", "router")),
        Row("CPU of Envoy, REST", "router alone", "µs/call", costs("rest", "router")),
    ]


def _router_alone(edge: Edge) -> Edge:
    probes = (names.LIVENESS, names.READINESS)
    return replace(edge, filters={name: edge.filters[name] for name in probes})


async def edge_peer(bench: EdgeBench) -> Sequence[Row]:
    """The gateway that one writes by hand: checks the token and the role, and calls by gRPC."""
    with (
        bench.backend("kit") as service,
        bench.edge(service) as envoy,
        bench.gateway(service) as peer,
    ):
        sides: Sides = {
            "ours": partial(bench.load, envoy, "rest1"),
            "theirs": partial(bench.load, peer, "rest1"),
        }
        found = await _measured(bench, sides)
    costs = _costs(found, "ours", "theirs")
    return [
        Row("REST", "Starlette by hand", "calls/s", _rates(found, "ours", "theirs")),
        Row("CPU of the gateway", "Starlette by hand", "µs/call", costs),
    ]


async def _measured(bench: EdgeBench, sides: Sides) -> Found:
    def tell(seen: Seen) -> str:
        return f"{seen.rate:,.0f}/s"

    return await all_in_turns(sides, bench.rounds, bench.say, tell)


def _rates(found: Found, ours: str, theirs: str) -> Rounds:
    return [(one[ours].rate, one[theirs].rate) for one in found]


def _costs(found: Found, ours: str, theirs: str) -> Rounds:
    return [(one[ours].cost, one[theirs].cost) for one in found]


def _added(found: Found, side: str) -> Rounds:
    return [(one[side].figures.median - one["direct"].figures.median, ALLOWED) for one in found]


def _running(say: Say) -> AbstractContextManager[EdgeBench]:
    return running(SECONDS, ROUNDS, say)


SUITE = cli.Suite(
    _running,
    {
        "edge": edge,
        "edge-bare": edge_bare,
        "edge-added": edge_added,
        "edge-limit": edge_limit,
        "edge-peer": edge_peer,
    },
)

if __name__ == "__main__":
    sys.exit(cli.main("benchmarks.edge", str(__doc__), [SUITE], sys.argv[1:]))
