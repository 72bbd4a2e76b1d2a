"""The live matrix: every method, on every way to it, by every caller, with what must come back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.proof.callers import Caller, Standing
from gateway.proof.event_source import event_source
from gateway.proof.expected import (
    DENIED,
    UNAUTHENTICATED,
    Expected,
    at_edge,
    at_service,
    edge,
    mangled,
)
from gateway.proof.mangling import grpc_paths, plain_calls, rest_paths
from gateway.proof.requests import (
    Wire,
    broken_rest_call,
    grpc_call,
    upgrade_call,
    web_call,
    web_text_call,
)
from gateway.proof.surface import HEALTH, NOTHING, Rpc, Surface
from gateway.proof.templates import Resolver

ENCRYPTED = "edge over TLS"


@dataclass(frozen=True, slots=True)
class Cell:
    """One call and what it must come to. `target`: "edge", the edge over TLS, or a replica past it
    (`orders-1`)."""

    method: str
    protocol: str
    caller: Caller
    target: str
    wire: Wire
    expected: Expected
    interval: float = 0.0


def replica(area: str, number: int) -> str:
    """The name of a door past the edge; `number` counts from 0."""
    return f"{area}-{number + 1}"


class Matrix:
    """Builds the cells. `reflection` are the methods of server reflection as deployed.

    `replicas`: area → how many there are; each is called past the edge. `workers`: doors of
    processes that serve no method.
    """

    def __init__(
        self,
        surface: Surface,
        reflection: Sequence[Rpc],
        replicas: Mapping[str, int],
        workers: Sequence[str] = (),
    ) -> None:
        self._surface = surface
        self._replicas = replicas
        self._workers = tuple(workers)
        self._reflection = tuple(reflection)
        self._resolver = Resolver((*surface.rpcs, *reflection))

    def cells(self, callers: Sequence[Caller], forgers: Sequence[Caller]) -> Iterator[Cell]:
        """All of them; forged headers go on a method's own path only."""
        everybody = (*callers, *forgers)
        for rpc in (*self._surface.rpcs, *self._reflection):
            for caller in everybody:
                yield from self._canonical(rpc, caller)
                if not caller.query:
                    yield from self._direct(rpc, caller)
            for caller in callers:
                yield from self._mangled_grpc(rpc, caller)
                yield from self._mangled_rest(rpc, caller)
                yield from self._cookies(rpc, caller)
                yield from self._other_ways(rpc, caller)
        for caller in callers:
            yield self._health(caller)
            yield from self._denied(caller)

    def unprovable(self) -> Iterator[str]:
        """Bindings that no request reaches without being carried out: they are left out."""
        for rpc in self._surface.rpcs:
            for binding in rpc.bindings:
                if not broken_rest_call(self._surface, rpc, binding).invalid and not rpc.safe:
                    yield f"{rpc.name} {binding.verb} {binding.template}"

    def _canonical(self, rpc: Rpc, caller: Caller) -> Iterator[Cell]:
        calls = [(f"REST {wire.verb}", wire) for _, wire in self._rest(rpc)]
        if not caller.query:  # on a gRPC path a query makes another path
            calls.append(("gRPC", grpc_call(rpc)))
            calls += [] if rpc.client_streams else [("gRPC-Web", web_call(rpc))]
        for protocol, wire in calls:
            expected = at_edge(rpc, caller, invalid=wire.invalid)
            if caller.query:  # a parameter that no field has
                expected |= mangled(rpc, rpc, caller, invalid=wire.invalid)
            yield Cell(rpc.name, protocol, caller, "edge", wire, expected, rpc.interval)

    def _other_ways(self, rpc: Rpc, caller: Caller) -> Iterator[Cell]:
        """The listener with TLS, gRPC-Web as text, and an upgrade, which nobody gets."""
        for cell in self._canonical(rpc, caller):
            yield replace(cell, protocol=f"{cell.protocol} over TLS", target=ENCRYPTED)
        text = web_text_call(rpc)
        if not rpc.client_streams:
            expected = at_edge(rpc, caller, invalid=text.invalid)
            yield Cell(rpc.name, "gRPC-Web-text", caller, "edge", text, expected, rpc.interval)
        for target in ("edge", ENCRYPTED):
            wire, refused = upgrade_call(rpc), edge(UNAUTHENTICATED, DENIED)
            yield Cell(rpc.name, "upgrade", caller, target, wire, refused, rpc.interval)

    def _direct(self, rpc: Rpc, caller: Caller) -> Iterator[Cell]:
        wire = grpc_call(rpc)
        expected = at_service(rpc, caller, invalid=True)
        for number in range(self._replicas[rpc.area]):
            target = replica(rpc.area, number)
            yield Cell(rpc.name, f"gRPC past the edge to {target}", caller, target, wire, expected)

    def _denied(self, caller: Caller) -> Iterator[Cell]:
        """What nobody declared, at every process: default deny holds past the edge too."""
        wire, expected = grpc_call(NOTHING), at_service(NOTHING, caller, invalid=True)
        doors = [replica(area, n) for area, count in self._replicas.items() for n in range(count)]
        for target in (*doors, *self._workers):
            protocol = f"gRPC past the edge to {target}"
            yield Cell(NOTHING.name, protocol, caller, target, wire, expected)

    def _mangled_grpc(self, rpc: Rpc, caller: Caller) -> Iterator[Cell]:
        tricks = [(name, wire, self._resolver.grpc(wire.path), "gRPC")
                  for name, wire in grpc_paths(grpc_call(rpc))]  # fmt: skip
        tricks += [(name, wire, self._resolver.rest(wire.verb, wire.path), "HTTP")
                   for name, wire in plain_calls(grpc_call(rpc))]  # fmt: skip
        for name, wire, reached, protocol in tricks:
            expected = mangled(rpc, reached, caller, invalid=wire.invalid)
            label = f"{protocol}, {name}"
            yield Cell(rpc.name, label, caller, "edge", wire, expected, rpc.interval)

    def _mangled_rest(self, rpc: Rpc, caller: Caller) -> Iterator[Cell]:
        for index, wire in self._rest(rpc):
            for name, trick in rest_paths(wire, rpc.bindings[index]):
                reached = self._resolver.rest(trick.verb, trick.path)
                if reached in (None, rpc):  # another method has cells of its own
                    expected = mangled(rpc, reached, caller, invalid=wire.invalid)
                    label = f"REST {trick.verb}, {name}"
                    yield Cell(rpc.name, label, caller, "edge", trick, expected, rpc.interval)

    def _cookies(self, rpc: Rpc, caller: Caller) -> Iterator[Cell]:
        for _, wire in self._rest(rpc):
            for label, asking, moved, expected in event_source(rpc, wire, caller):
                yield Cell(rpc.name, label, moved, "edge", asking, expected, rpc.interval)

    def _rest(self, rpc: Rpc) -> Iterator[tuple[int, Wire]]:
        for index, binding in enumerate(rpc.bindings):
            wire = broken_rest_call(self._surface, rpc, binding)
            if wire.invalid or rpc.safe:
                yield index, wire

    def _health(self, caller: Caller) -> Cell:
        """Health is for whoever watches a service; at the edge it is nobody's."""
        stranger = caller.standing is Standing.STRANGER
        expected = edge(UNAUTHENTICATED if stranger else DENIED)
        return Cell("Health/Check", "gRPC", caller, "edge", Wire("grpc", HEALTH), expected)
