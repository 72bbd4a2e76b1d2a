"""Which events a process knows, and how those of older major versions are read.

One list of upcasters for all: an event is read by its own service and by others, must mean the
same to each, and the schema gate judges the very same list. docs/schemas.md says when one is due.
"""

from collections.abc import Mapping
from types import ModuleType

from google.protobuf.message import Message

from bridge.events.catalog import Catalog
from bridge.events.upcasting import Upcaster, Upcasters

UPCASTERS: Mapping[type[Message], Upcaster] = {}
"""By the older message, of which a newer major version is written by now."""


def catalog_of(*modules: ModuleType) -> Catalog:
    """Read generated modules; older messages among theirs are brought up to date."""
    packages = {module.DESCRIPTOR.package for module in modules}
    steps = {
        old: step for old, step in UPCASTERS.items() if old.DESCRIPTOR.file.package in packages
    }
    return Catalog.of(*modules, upcasters=Upcasters(steps))
