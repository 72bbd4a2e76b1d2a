"""Changes the edge that runs, and does not come back before it is true or undone."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.deployments import Address
from gateway.envoy import files, running
from gateway.envoy.clusters import assignment, endpoints_file
from gateway.envoy.sources import CURRENT
from gateway.envoy.typed import resources
from gateway.errors import RefusedConfiguration

PATIENCE = 15.0
"""Seconds for Envoy to take a version. It takes 0.1; a new cluster first asks its replicas."""
PAUSE = 0.02


def change(root: Path, texts: Mapping[str, str], admin: Address) -> tuple[str, ...]:
    """Make `texts` live and wait until the running Envoy has taken every file of it.

    The caller has the lock (`files.held`) and has validated what Envoy's validation can see.
    Returns the names of the files that are new or other ones, or are gone. Raises
    RefusedConfiguration when the running Envoy refuses one, or does not take it within 15 s, be it
    that it does not answer: what was live before is live again by then, on disk and, if it answers,
    in Envoy. Raises OSError when it does not answer before anything was changed.
    """
    before, wanted = files.read(root), files.stamped(texts)
    changed = sorted(n for n in before.keys() | wanted.keys() if before.get(n) != wanted.get(n))
    if not changed:
        return ()
    old, refusals = (root / CURRENT).resolve(), running.rejected(admin)
    files.place(root, texts)
    cause = _refusal(running.versions(wanted), admin, refusals)
    if cause:
        files.swap(root, old)
        _refusal(running.versions(before), admin, None)  # until it is whole again
        raise RefusedConfiguration(cause)
    return tuple(changed)


def _refusal(wanted: Mapping[str, str], admin: Address, before: Mapping[str, int] | None) -> str:
    """Why these versions are not in force; empty once they are.

    `before` are the refusals that are not of this change; None waits whatever was refused. A busy
    machine may answer late, so silence is no refusal until time is over.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            late = running.pending(wanted, admin)
            if not late:
                return ""
            if before is not None and _more(running.rejected(admin), before):
                return f"the running Envoy refused {', '.join(late)}"
            cause = f"Envoy has not taken {', '.join(late)} within {PATIENCE:g} s"
        except OSError as error:
            cause = f"Envoy does not say that it has taken the change: {error}"
        if time.monotonic() > deadline:
            return cause
        time.sleep(PAUSE)


def _more(counts: Mapping[str, int], before: Mapping[str, int]) -> bool:
    return any(count > before.get(name, 0) for name, count in counts.items())


def members(texts: Mapping[str, str]) -> dict[str, tuple[Address, ...]]:
    """Read who the edge balances over from the files of a version: area → its replicas."""
    found: dict[str, tuple[Address, ...]] = {}
    for name, content in texts.items():
        if name.startswith("eds_"):
            for one in json.loads(content)["resources"]:
                found[one["cluster_name"]] = tuple(_addresses(one))
    return found


def _addresses(assignment: Mapping[str, Any]) -> Iterator[Address]:
    for locality in assignment.get("endpoints", ()):
        for member in locality.get("lb_endpoints", ()):
            place = member["endpoint"]["address"]["socket_address"]
            yield Address(place["address"], place["port_value"])


def with_members(
    texts: Mapping[str, str], area: str, replicas: Sequence[Address]
) -> dict[str, str]:
    """Give the files of a version with other replicas of one area, and nothing else changed."""
    return {**texts, endpoints_file(area): resources(assignment(area, replicas))}
