"""The events of every service, as their generated modules say: found where protoc wrote them."""

import importlib
from pathlib import Path
from types import ModuleType

import causeway
from bridge.events.catalog import Catalog

_EVENTS = "{}/v*/events_pb2.py"


def event_modules(service: str = "*") -> list[ModuleType]:
    """Import the modules of one package, `orders`, or of all; in the order of their names."""
    # A namespace package: each folder of the path may hold a part of it.
    files = (
        file for root in causeway.__path__ for file in Path(root).glob(_EVENTS.format(service))
    )
    names = {".".join(("causeway", *file.parts[-3:-1], file.stem)) for file in files}
    return [importlib.import_module(name) for name in sorted(names)]


def events_from_outside() -> Catalog:
    """Read the types that have `publish_roles`: the bridge itself stores and relays them."""
    return Catalog({one.name: one for one in Catalog.of(*event_modules()) if one.publish_roles})
