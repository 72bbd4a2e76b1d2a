"""The subjects of today's schemas as the registry has them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.events.catalog import Catalog
from bridge.events.schema import SchemaId
from bridge.registry.client import RegistryClient
from bridge.registry.schemas import find_all


@dataclass(frozen=True, slots=True)
class Listed:
    """One subject. `current` is the version that is today's code, None if it is not registered."""

    subject: str
    compatibility: str
    versions: Sequence[SchemaId]
    current: SchemaId | None


async def list_subjects(client: RegistryClient, catalog: Catalog) -> list[Listed]:
    """List what events and their imports are registered under, by subject."""
    found = await find_all(client, catalog)
    return [
        Listed(
            subject,
            await client.compatibility(subject),
            await client.versions(subject),
            found[subject],
        )
        for subject in sorted(found)
    ]
