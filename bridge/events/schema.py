"""What the registry calls one event type's schema."""

from typing import NamedTuple


class SchemaId(NamedTuple):
    """Where a schema stands in the registry."""

    id: int
    """Global id: the four bytes in front of every record."""
    version: int
    """Version within its subject."""
