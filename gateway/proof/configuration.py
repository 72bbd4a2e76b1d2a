"""Envoy's configuration as plain JSON: from the files that it reads, or from what it has in use."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is not as it must be: where, what, and what to do."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the edge was told. `source` names it for a person; the rest is by resource name."""

    source: str
    listeners: Mapping[str, Json]
    filters: Mapping[str, Json]
    routes: Mapping[str, Json]
    clusters: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class HttpFilter:
    """One entry of a chain with its configuration, wherever that was kept."""

    name: str
    kind: str
    config: Json
    entry: Json


def from_files(folder: Path, source: str) -> Configuration:
    """Read what `compile` or `up` wrote. Raises OSError or ValueError where it can't be read."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no configuration")
    contents = (json.loads(path.read_text("utf-8")) for path in files)
    return _gathered(source, [one for found in contents for one in found.get("resources", [])])


def from_dump(dump: Json, source: str) -> Configuration:
    """Read the answer of Envoy's `/config_dump`: what it works with."""
    return _gathered(source, list(_dumped(dump)))


def kind_of(config: Json) -> str:
    """The last word of the type of a packed message: `RBAC`."""
    return str(config.get("@type", "")).rpartition(".")[2]


def managers(configuration: Configuration) -> Iterator[tuple[str, Json]]:
    """Each network filter of each listener, with where it is."""
    for name, listener in configuration.listeners.items():
        chains = [*listener.get("filter_chains", [])]
        chains += [listener["default_filter_chain"]] if "default_filter_chain" in listener else []
        for chain in chains:
            for one in chain.get("filters", []):
                yield f"listener {name}", one.get("typed_config", {})


def chain_of(configuration: Configuration, manager: Json) -> list[HttpFilter]:
    """The HTTP filters of a connection manager, in their order."""
    found = []
    for entry in manager.get("http_filters", []):
        name = entry.get("name", "")
        config = entry.get("typed_config") or configuration.filters.get(name, {})
        found.append(HttpFilter(name, kind_of(config), config, entry))
    return found


def _gathered(source: str, resources: Sequence[Json]) -> Configuration:
    by_kind: dict[str, dict[str, Json]] = {}
    for one in resources:
        by_kind.setdefault(kind_of(one), {})[one.get("name", "")] = one
    extensions = by_kind.get("TypedExtensionConfig", {})
    return Configuration(
        source=source,
        listeners=by_kind.get("Listener", {}),
        filters={name: one.get("typed_config", {}) for name, one in extensions.items()},
        routes=by_kind.get("RouteConfiguration", {}),
        clusters=by_kind.get("Cluster", {}),
    )


def _dumped(dump: Json) -> Iterator[Json]:
    for section in dump.get("configs", []):
        for key, entries in section.items():
            if isinstance(entries, list):
                yield from (_DUMPED[key](entry) for entry in entries if key in _DUMPED)


_DUMPED = {
    "static_listeners": lambda entry: entry["listener"],
    "dynamic_listeners": lambda entry: entry.get("active_state", {}).get("listener", {}),
    "static_route_configs": lambda entry: entry["route_config"],
    "dynamic_route_configs": lambda entry: entry["route_config"],
    "static_clusters": lambda entry: entry["cluster"],
    "dynamic_active_clusters": lambda entry: entry["cluster"],
    "ecds_filters": lambda entry: entry["ecds_filter"],
}
"""List in the dump → the resource in an entry of it."""
