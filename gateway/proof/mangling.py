"""Paths that are nearly a method's own: what a gap between two readers of a path would let by."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.proof.requests import Wire
from gateway.proof.surface import Binding
from gateway.proof.templates import variables

VERBS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")


def rest_paths(wire: Wire, binding: Binding) -> Iterator[tuple[str, Wire]]:
    """Each trick with the path or verb of a REST call, by name."""
    path, mark, query = wire.path.partition("?")
    for name, mangled in _paths(path):
        yield name, replace(wire, path=mangled + mark + query)
    for name, _ in variables(binding.template):
        override = f"{name}=PROOF-TOO"
        joined = f"{query}&{override}" if query else override
        yield f"?{name}=", replace(wire, path=f"{path}?{joined}")
    for verb in VERBS:
        if verb != wire.verb:
            # No body: what another verb may reach must not be a whole request of that method.
            yield f"verb {verb}", replace(wire, verb=verb, body=b"")


def grpc_paths(wire: Wire) -> Iterator[tuple[str, Wire]]:
    """Each trick with the path of a gRPC call, by name."""
    for name, mangled in _paths(wire.path):
        if "#" not in mangled:
            yield name, replace(wire, path=mangled)
    service, _, method = wire.path.rpartition("/")
    yield "?x=1", replace(wire, path=f"{wire.path}?x=1")
    yield "method that is not there", replace(wire, path=f"{service}/Proof{method}")
    yield "prefix of the method", replace(wire, path=wire.path[:-1])


def plain_calls(wire: Wire) -> Iterator[tuple[str, Wire]]:
    """The gRPC path as a plain HTTP request."""
    json = (("content-type", "application/json"),)
    yield "plain GET", replace(wire, kind="rest", verb="GET", body=b"", headers=())
    yield "plain POST", replace(wire, kind="rest", verb="POST", body=b"{}", headers=json)


def _paths(path: str) -> Iterator[tuple[str, str]]:
    head, _, tail = path.rpartition("/")
    first, _, rest = path[1:].partition("/")
    yield "//", f"/{path}"
    yield "inner //", f"{head}//{tail}"
    yield "trailing /", f"{path}/"
    yield "/./", f"{head}/./{tail}"
    yield "/../", f"/proof/..{path}"
    yield "up and out", f"{path}/../{tail}"
    yield "%2f", f"{head}%2f{tail}"
    yield "%252f", f"{head}%252f{tail}"
    yield "%5c", f"{head}%5c{tail}"
    yield "backslash", f"{head}\\{tail}"
    yield "encoded letter", f"/%{ord(first[0]):02x}{first[1:]}/{rest}"
    yield "other case", path.swapcase()
    yield ";x", f"{path};x"
    yield "%00", f"{path}%00"
    yield "extra segment", f"{path}/proof"
    yield "fragment", f"{path}#proof"
