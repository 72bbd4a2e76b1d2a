"""The running edge, compared with the protos and brought into line."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio

from gateway.deployments import Address
from gateway.envoy import files, live
from gateway.envoy.edge import BOOTSTRAP, Edge, emit
from gateway.errors import RefusedConfiguration
from stack import addresses
from stack.choices import Choices
from stack.errors import Code, StackError
from stack.live.outcome import Target
from stack.processes import log_of, tail
from stack.settings import Settings
from stack.steps import deployment, edge_root

if TYPE_CHECKING:
    from gateway.model import Model

LISTENERS = "lds.json"
_WORDS = {
    "rds.json": "routes",
    "cds.json": "clusters",
    LISTENERS: "listeners",
    BOOTSTRAP: "process",
}


async def edge_target(settings: Settings, choices: Choices, model: "Model") -> Target:
    """Compile the edge and have Envoy validate it.

    Raises StackError MODEL_REFUSED for a service without replicas, EDGE_REFUSED with Envoy's words.
    """
    changed = await anyio.to_thread.run_sync(_compared, settings, choices, model)
    act = partial(anyio.to_thread.run_sync, _publish, settings, choices, model)
    return Target("edge", [_word(name) for name in changed], act, _note(changed))


def _compared(settings: Settings, choices: Choices, model: "Model") -> list[str]:
    present = files.read(edge_root(settings))
    edge = _compiled(settings, choices, model)
    wanted = files.stamped(edge.files())
    changed = sorted(n for n in present.keys() | wanted.keys() if present.get(n) != wanted.get(n))
    if changed:
        try:
            files.validate(edge)
        except RefusedConfiguration as error:
            raise _refused("Envoy's own validation refuses the edge", str(error)) from error
    return changed


def _publish(settings: Settings, choices: Choices, model: "Model") -> None:
    root, admin = edge_root(settings), Address(addresses.HOST, settings.port.edge_admin)
    log = log_of(settings.state, "edge")
    begin = log.stat().st_size if log.exists() else 0
    try:
        with files.held(root):
            live.change(root, _compiled(settings, choices, model).files(), admin)
    except RefusedConfiguration as error:
        raise _refused(str(error), tail(log, begin)) from error
    except OSError as error:
        raise _refused(f"the edge does not answer at its admin port: {error}", "") from error


def _compiled(settings: Settings, choices: Choices, model: "Model") -> Edge:
    """The edge over the replicas that are balanced over now: one may just be moving."""
    where = deployment(settings, choices)
    members = live.members(files.read(edge_root(settings)))
    known = {area: members.get(area, given) for area, given in where.clusters.items()}
    try:
        return emit(model, replace(where, clusters=known))
    except ValueError as error:
        raise StackError(
            Code.MODEL_REFUSED,
            f"the edge can't be compiled for this platform: {error}",
            "causeway explain MODEL_REFUSED",
        ) from error


def _word(name: str) -> str:
    if name in _WORDS:
        return _WORDS[name]
    kind, _, what = name.removesuffix(".json").partition("_")
    return f"replicas of {what}" if kind == "eds" else (what or kind).replace("_", " ")


def _note(changed: list[str]) -> str:
    if BOOTSTRAP in changed:
        return "what is new about the process itself comes with the next `causeway up`"
    if LISTENERS in changed:
        return "a listener changed: connections are drained, streams that are open end within 5 s"
    return ""


def _refused(cause: str, detail: str) -> StackError:
    return StackError(Code.EDGE_REFUSED, cause, "causeway logs edge", detail=detail)
