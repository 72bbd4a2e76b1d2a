"""The schema registry, through Confluent's API: register once at deploy, look up at start.

A schema is the text of a `.proto` file, its imports registered as references under their paths.
Text and not descriptors: Apicurio answers `format=serialized` with 500 (tried with 3.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from bridge.catalog import Catalog
from bridge.errors import FailedPrecondition, Unavailable
from bridge.proto_text import imports_of, text_of
from bridge.schema import SchemaId

COMPATIBILITY = "BACKWARD_TRANSITIVE"
SECONDS = 10.0
NOT_FOUND = 404


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
    async with httpx.AsyncClient(base_url=registry, timeout=SECONDS) as http:
        for event_type in catalog:
            await _register(http, event_type.subject, event_type.proto_file, done)
    return list(done.values())


async def schema_ids(registry: str, catalog: Catalog) -> Mapping[str, SchemaId]:
    """Look up the ids of exactly these schemas, by type name. Never registers.

    Raises FailedPrecondition for a schema that was not registered, Unavailable if the registry
    does not answer.
    """
    known: dict[str, SchemaId] = {}
    found: dict[str, SchemaId] = {}
    async with httpx.AsyncClient(base_url=registry, timeout=SECONDS) as http:
        for event_type in catalog:
            schema = await _look_up(http, event_type.subject, event_type.proto_file, known)
            if schema is None:
                raise FailedPrecondition(
                    f"the schema of {event_type.name} is not registered under "
                    f"{event_type.subject}: run the deploy step (`causeway schemas register`)",
                    reason="SCHEMA_NOT_REGISTERED",
                    metadata={"subject": event_type.subject},
                )
            found[event_type.name] = schema
    return found


async def _register(
    http: httpx.AsyncClient, subject: str, proto_file: str, done: dict[str, Registered]
) -> SchemaId:
    """Register one file under `subject`, and what it imports before it."""
    if subject in done:
        return done[subject].schema
    references = []
    for path in imports_of(proto_file):
        schema = await _register(http, path, path, done)
        references.append({"name": path, "subject": path, "version": schema.version})
    body = _body(proto_file, references)
    known = await _post(http, f"/subjects/{_quote(subject)}", body, missing_is_none=True)
    if known is None:
        await _send(http, "PUT", f"/config/{_quote(subject)}", {"compatibility": COMPATIBILITY})
        await _post(http, f"/subjects/{_quote(subject)}/versions", body)
        answer = await _post(http, f"/subjects/{_quote(subject)}", body)
    else:
        answer = known
    schema = SchemaId(answer["id"], answer["version"])
    done[subject] = Registered(subject, schema, new=known is None)
    return schema


async def _look_up(
    http: httpx.AsyncClient, subject: str, proto_file: str, known: dict[str, SchemaId]
) -> SchemaId | None:
    """Find the version of `subject` that is this file with these imports; None if there is none."""
    if subject in known:
        return known[subject]
    references = []
    for path in imports_of(proto_file):
        schema = await _look_up(http, path, path, known)
        if schema is None:
            return None
        references.append({"name": path, "subject": path, "version": schema.version})
    body = _body(proto_file, references)
    answer = await _post(http, f"/subjects/{_quote(subject)}", body, missing_is_none=True)
    if answer is None:
        return None
    known[subject] = SchemaId(answer["id"], answer["version"])
    return known[subject]


def _body(proto_file: str, references: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemaType": "PROTOBUF", "schema": text_of(proto_file), "references": references}


def _quote(subject: str) -> str:
    """Make a subject one segment of a path: imports have slashes."""
    return subject.replace("/", "%2F")


async def _post(
    http: httpx.AsyncClient, path: str, body: dict[str, Any], *, missing_is_none: bool = False
) -> Any:
    return await _send(http, "POST", path, body, missing_is_none=missing_is_none)


async def _send(
    http: httpx.AsyncClient,
    method: str,
    path: str,
    body: dict[str, Any],
    *,
    missing_is_none: bool = False,
) -> Any:
    try:
        answer = await http.request(method, path, json=body)
    except httpx.TransportError as error:
        raise Unavailable(f"the schema registry does not answer: {error}") from error
    if missing_is_none and answer.status_code == NOT_FOUND:
        return None
    if answer.is_server_error:
        raise Unavailable(f"the schema registry answers {answer.status_code} to {method} {path}")
    if answer.is_error:
        raise FailedPrecondition(
            f"the schema registry refuses {path}: {answer.text[:500]}", reason="SCHEMA_REFUSED"
        )
    return answer.json()
