"""The cells of owners: real resources, asked for by who owns them and by who does not.

A stranger must get NOT_FOUND, in the same words as for what is not there. The owner of what a call
would change proves it with an etag that is not the present one, so nothing changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.api import resource_pb2
from google.protobuf import descriptor_pool, json_format, message_factory

from gateway.proof.callers import Caller, Standing
from gateway.proof.cells import Cell, replica
from gateway.proof.expected import (
    NOT_FOUND,
    OK,
    Expected,
    at_edge,
    at_service,
    service,
)
from gateway.proof.requests import Wire, grpc_call, rest_call, web_call
from gateway.proof.surface import Rpc, Surface

USER = "causeway/User"
EDGE = "edge"
STALE = "proof-of-no-version"


@dataclass(frozen=True, slots=True)
class Resource:
    """Something real: its type, its name, whose it is, and a name of that kind that is nowhere.

    `personal`: no role opens it, only its owner.
    """

    kind: str
    name: str
    owner: Caller
    missing: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A cell and, for a stranger, the same call for what is not there: the answers must agree."""

    cell: Cell
    twin: Cell | None
    names: tuple[str, str]


class Owners:
    """Builds the pairs of every method that knows owners."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._pool = descriptor_pool.DescriptorPool()
        for file in surface.files.file:
            self._pool.Add(file)

    def pairs(self, resources: Sequence[Resource], callers: Sequence[Caller]) -> Iterator[Pair]:
        """Every method × resource of its kind × caller × protocol."""
        for resource in resources:
            for rpc in self._surface.rpcs:
                if field := self._field(rpc, resource):
                    for caller in callers:
                        yield from self._of(rpc, field, resource, caller)

    def strangers(self, resources: Sequence[Resource], callers: Sequence[Caller]) -> Iterator[Cell]:
        """Every method × resource that its request names × caller without a token of ours.

        A rule that lets a few real names by would look sound on every made-up one. The edge
        refuses these, and so does the service behind it, whatever the method would do.
        """
        outside = [caller for caller in callers if caller.standing is not Standing.KNOWN]
        for resource in resources:
            for rpc in (one for one in self._surface.rpcs if not one.public):
                if field := self._field(rpc, resource) or self._reference(rpc, resource):
                    calls = self._calls(rpc, self._request(rpc, field, resource.name))
                    for caller in outside:
                        yield from self._refused(rpc, resource, caller, calls)

    def _refused(
        self, rpc: Rpc, resource: Resource, caller: Caller, calls: list[tuple[str, str, Wire]]
    ) -> Iterator[Cell]:
        kind = resource.kind.rpartition("/")[2]
        for label, target, wire in calls:
            expects = at_edge if target == EDGE else at_service
            expected = expects(rpc, caller, invalid=False)
            yield Cell(rpc.name, f"{label}, a real {kind}", caller, target, wire, expected)

    def _field(self, rpc: Rpc, resource: Resource) -> str:
        """The field of the request that names the resource; "" where the method knows no owner."""
        if rpc.owner in ("SELF", "FIELD"):
            return rpc.owner_field if resource.kind == USER else ""
        if not (rpc.owner == "HANDLER" or resource.personal):
            return ""
        return self._reference(rpc, resource)

    def _reference(self, rpc: Rpc, resource: Resource) -> str:
        for field in self._surface.messages[rpc.request].field:
            if field.options.Extensions[resource_pb2.resource_reference].type == resource.kind:
                return field.name
        return ""

    def _of(self, rpc: Rpc, field: str, resource: Resource, caller: Caller) -> Iterator[Pair]:
        expected = self._expected(rpc, field, resource, caller)
        if expected is None:
            return
        stranger = expected == service(NOT_FOUND)
        here = self._calls(rpc, self._request(rpc, field, resource.name))
        there = self._calls(rpc, self._request(rpc, field, resource.missing))
        for (label, target, wire), (_, _, other) in zip(here, there, strict=True):
            who = "owner" if caller == resource.owner else "not the owner"
            protocol = f"{label}, {resource.kind.rpartition('/')[2]}, {who}"
            cell = Cell(rpc.name, protocol, caller, target, wire, expected)
            twin = Cell(rpc.name, protocol, caller, target, other, expected)
            yield Pair(cell, twin if stranger else None, (resource.name, resource.missing))

    def _expected(
        self, rpc: Rpc, field: str, resource: Resource, caller: Caller
    ) -> Expected | None:
        """None: access alone decides, or the call could not be made without a change."""
        held = bool(rpc.roles & caller.roles)
        if resource.personal and not held:
            return None
        mine = caller == resource.owner
        if not mine and (resource.personal or not held):
            return service(NOT_FOUND)
        if rpc.safe:
            return service(OK)
        return service("ABORTED", "FAILED_PRECONDITION") if self._etag(rpc, field) else None

    def _request(self, rpc: Rpc, field: str, name: str) -> dict[str, Any]:
        etag = self._etag(rpc, field)
        return {field: name} | ({etag: STALE} if etag else {})

    def _etag(self, rpc: Rpc, field: str) -> str:
        """The path of the etag beside the field, if there is one."""
        message = self._surface.messages[rpc.request]
        prefix = ""
        for part in field.split(".")[:-1]:
            inner = next(one for one in message.field if one.name == part)
            message = self._surface.messages[inner.type_name.removeprefix(".")]
            prefix += f"{part}."
        return f"{prefix}etag" if any(one.name == "etag" for one in message.field) else ""

    def _calls(self, rpc: Rpc, request: dict[str, Any]) -> list[tuple[str, str, Wire]]:
        body = self._packed(rpc, request)
        found = [("gRPC", "edge", grpc_call(rpc, body)), ("gRPC-Web", "edge", web_call(rpc, body))]
        found += [(f"REST {b.verb}", "edge", rest_call(rpc, b, request)) for b in rpc.bindings]
        return [*found, ("gRPC past the edge", replica(rpc.area, 0), grpc_call(rpc, body))]

    def _packed(self, rpc: Rpc, request: dict[str, Any]) -> bytes:
        nested: dict[str, Any] = {}
        for path, value in request.items():
            *outer, last = path.split(".")
            target = nested
            for part in outer:
                target = target.setdefault(part, {})
            target[last] = value
        kind = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(rpc.request))
        return bytes(json_format.ParseDict(nested, kind()).SerializeToString())
