"""What the schema registry says about today's schemas, before they are registered."""

from collections.abc import AsyncIterator

from bridge.events.catalog import Catalog
from bridge.events.schema import SchemaId
from bridge.registry.client import RegistryClient
from bridge.registry.schemas import schema_of, subjects
from bridge.schemas.problem import Problem

ADVICE = "its rule is the subject's; undo the change, or add a message of the next major version"


async def registry_problems(client: RegistryClient, catalog: Catalog) -> AsyncIterator[Problem]:
    """Ask about every subject whose schema is not registered; registers nothing.

    A schema that imports another one which is new itself is asked about with the newest version
    that is registered of that; where there is none, it is new as a whole and nothing speaks
    against it.
    """
    known: dict[str, SchemaId | None] = {}
    for subject, file in subjects(catalog):
        schema = schema_of(file, known)
        if schema is None:
            known[subject] = None
            continue
        found = await client.find(subject, schema)
        if found is None:
            for message in await client.incompatible(subject, schema):
                yield Problem(subject, f"is refused by the registry ({message})", ADVICE)
            versions = await client.versions(subject)
            found = versions[-1] if versions else None
        known[subject] = found
