"""The schema registry, through Confluent's API: register once at deploy, look up at start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.catalog import Catalog
from bridge.schema import SchemaId


@dataclass(frozen=True, slots=True)
class Registered:
    """What `register` did for one subject."""

    subject: str
    schema: SchemaId
    new: bool
    """False: it was there already, word for word."""


async def register(registry: str, catalog: Catalog) -> Sequence[Registered]:
    """Register the schema of each type under its subject; the deploy step, never a producer's.

    `registry` is the base of the Confluent API, `http://…/apis/ccompat/v7`. Sets the subject's
    compatibility to BACKWARD_TRANSITIVE. Idempotent. Raises FailedPrecondition with the
    registry's words for an incompatible schema, Unavailable if it does not answer.
    """
    raise NotImplementedError


async def schema_ids(registry: str, catalog: Catalog) -> Mapping[str, SchemaId]:
    """Look up the ids of exactly these schemas, by type name. Never registers.

    Raises FailedPrecondition for a schema that was not registered, Unavailable if the registry
    does not answer.
    """
    raise NotImplementedError
