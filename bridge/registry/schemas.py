"""The event types' schemas in the registry: registered once at deploy, looked up at start."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from google.protobuf.descriptor import FileDescriptor

from bridge import logs
from bridge.errors import FailedPrecondition, Unavailable
from bridge.events.catalog import Catalog
from bridge.events.schema import SchemaId
from bridge.registry.client import Reference, RegistryClient, Schema, open_registry
from bridge.registry.proto_text import imports_of, text_of

COMPATIBILITY = "BACKWARD_TRANSITIVE"
PATIENCE = 30.0
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Registered:
    """What `register` did for one subject."""

    subject: str
    schema: SchemaId
    new: bool
    """False: it was there already, word for word."""


async def register(registry: str, catalog: Catalog) -> list[Registered]:
    """Register the schema of each type under its subject; the deploy step, never a producer's.

    `registry` is the base of the Confluent API, `http://…/apis/ccompat/v7`. Sets each subject's
    compatibility to BACKWARD_TRANSITIVE before its first version. Idempotent. Imports come first,
    under their own paths as subjects. Raises FailedPrecondition with the registry's words for an
    incompatible schema, Unavailable if it does not answer.
    """
    done: dict[str, Registered] = {}
    async with open_registry(registry) as client:
        for subject, file in subjects(catalog):
            done[subject] = await _register(client, subject, file, done)
    return list(done.values())


async def schema_ids(
    registry: str, catalog: Catalog, *, patience: float = PATIENCE
) -> Mapping[str, SchemaId]:
    """Look up the ids of exactly these schemas, by type name. Never registers.

    A process that starts beside its registry asks again for `patience` seconds while that does not
    answer. Raises FailedPrecondition for a schema that was not registered, Unavailable if the
    registry goes on not to answer.
    """
    known = await _patiently(registry, catalog, time.monotonic() + patience)
    found: dict[str, SchemaId] = {}
    for event_type in catalog:
        schema = known[event_type.subject]
        if schema is None:
            raise FailedPrecondition(
                f"the schema of {event_type.name} is not registered under "
                f"{event_type.subject}: run the deploy step (`causeway schemas register`)",
                reason="SCHEMA_NOT_REGISTERED",
                metadata={"subject": event_type.subject},
            )
        found[event_type.name] = schema
    return found


async def _patiently(registry: str, catalog: Catalog, end: float) -> Mapping[str, SchemaId | None]:
    told = False
    async with open_registry(registry) as client:
        while True:
            try:
                return await find_all(client, catalog)
            except Unavailable as error:
                if time.monotonic() >= end:
                    raise
                if not told:
                    logs.warning("registry.away", cause=error.message)
                told = True
            await asyncio.sleep(PAUSE)


async def find_all(client: RegistryClient, catalog: Catalog) -> Mapping[str, SchemaId | None]:
    """Look up every subject; None where exactly this schema is not there."""
    known: dict[str, SchemaId | None] = {}
    for subject, file in subjects(catalog):
        schema = schema_of(file, known)
        known[subject] = await client.find(subject, schema) if schema is not None else None
    return known


def subjects(catalog: Catalog) -> Iterator[tuple[str, FileDescriptor]]:
    """List subjects and files, each once; what a file imports comes before it."""
    seen: set[str] = set()
    for event_type in catalog:
        file = cast(FileDescriptor, event_type.message.DESCRIPTOR.file)
        for subject, needed in (*_imports(file), (event_type.subject, file)):
            if subject not in seen:
                seen.add(subject)
                yield subject, needed


def schema_of(file: FileDescriptor, known: Mapping[str, SchemaId | None]) -> Schema | None:
    """Build a file's schema; None if one of its imports is not in `known` with a version."""
    references = []
    for used in imports_of(file):
        schema = known.get(used.name)
        if schema is None:
            return None
        references.append(Reference(used.name, schema.version))
    return Schema(text_of(file), references)


def _imports(file: FileDescriptor) -> Iterator[tuple[str, FileDescriptor]]:
    for used in imports_of(file):
        yield from _imports(used)
        yield str(used.name), used


async def _register(
    client: RegistryClient, subject: str, file: FileDescriptor, done: Mapping[str, Registered]
) -> Registered:
    """Register one file; what it imports is in `done`."""
    schema = Schema(
        text_of(file),
        [Reference(used.name, done[used.name].schema.version) for used in imports_of(file)],
    )
    known = await client.find(subject, schema)
    if known is not None:
        return Registered(subject, known, new=False)
    await client.set_compatibility(subject, COMPATIBILITY)
    await client.add(subject, schema)
    added = await client.find(subject, schema)
    if added is None:
        raise FailedPrecondition(
            f"the registry took the schema of {subject} and does not find it again",
            reason="SCHEMA_REFUSED",
        )
    return Registered(subject, added, new=True)
