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
    RefusedConfiguration when the running Envoy refuses one, or does not take it within 15 s: what
    was live before is live again by then, on disk and in Envoy.
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
        _refusal(
            running.versions(before), admin, running.rejected(admin)
        )  # until it is whole again
        raise RefusedConfiguration(cause)
    return tuple(changed)


def _refusal(wanted: Mapping[str, str], admin: Address, before: Mapping[str, int]) -> str:
    """Why these versions are not in force; empty once they are."""
    deadline = time.monotonic() + PATIENCE
    while late := running.pending(wanted, admin):
        counts = running.rejected(admin)
        if any(count > before.get(name, 0) for name, count in counts.items()):
            return f"the running Envoy refused {', '.join(late)}"
        if time.monotonic() > deadline:
            return f"Envoy has not taken {', '.join(late)} within {PATIENCE:g} s"
        time.sleep(PAUSE)
    return ""


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
