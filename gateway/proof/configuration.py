"""Envoy's configuration as plain JSON: from the files that it reads, or from what it has in use."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
BOOTSTRAP = "bootstrap.json"
_KINDS = {
    *("Listener", "TypedExtensionConfig", "RouteConfiguration", "Cluster"),
    *("ClusterLoadAssignment", "Secret"),
}


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
    """What the edge was told. `source` names it for a person; the rest is by resource name.

    `odd`: what was there besides, so that nothing is passed over.
    """

    source: str
    listeners: Mapping[str, Json]
    filters: Mapping[str, Json]
    routes: Mapping[str, Json]
    clusters: Mapping[str, Json]
    endpoints: Mapping[str, Json]
    secrets: Mapping[str, Json]
    bootstrap: Json
    odd: tuple[str, ...] = ()


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
    contents = {path.name: json.loads(path.read_text("utf-8")) for path in files}
    bootstrap = contents.pop(BOOTSTRAP, {})
    resources = [one for found in contents.values() for one in found.get("resources", [])]
    return _gathered(source, resources, bootstrap)


def from_dump(dump: Json, source: str) -> Configuration:
    """Read the answer of Envoy's `/config_dump?include_eds`: what it works with."""
    started = [one["bootstrap"] for one in dump.get("configs", []) if "bootstrap" in one]
    return _gathered(source, list(_dumped(dump)), started[0] if started else {})


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


def _gathered(source: str, resources: Sequence[Json], bootstrap: Json) -> Configuration:
    by_kind: dict[str, dict[str, Json]] = {}
    odd = []
    for one in resources:
        kind, name = kind_of(one), one.get("name") or one.get("cluster_name", "")
        known = by_kind.setdefault(kind, {})
        # Of two by one name either may be the one that counts.
        if kind not in _KINDS or name in known:
            odd.append(f"{kind or 'a resource'} {name}")
        known[name] = one
    extensions = by_kind.get("TypedExtensionConfig", {})
    return Configuration(
        source=source,
        listeners=by_kind.get("Listener", {}),
        filters={name: one.get("typed_config", {}) for name, one in extensions.items()},
        routes=by_kind.get("RouteConfiguration", {}),
        clusters=by_kind.get("Cluster", {}),
        endpoints=by_kind.get("ClusterLoadAssignment", {}),
        secrets=by_kind.get("Secret", {}),
        bootstrap=bootstrap,
        odd=tuple(odd),
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
    "static_endpoint_configs": lambda entry: entry["endpoint_config"],
    "dynamic_endpoint_configs": lambda entry: entry["endpoint_config"],
    "dynamic_active_secrets": lambda entry: entry["secret"],
    "static_secrets": lambda entry: entry["secret"],
}
"""List in the dump → the resource in an entry of it."""
