"""The few calls of Confluent's registry API that the bridge makes, as Apicurio answers them.

A schema is the text of a `.proto` file with its imports as references. Text and not descriptors:
Apicurio answers `format=serialized` with 500 (tried with 3.3).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from bridge.errors import FailedPrecondition, Unavailable
from bridge.events.schema import SchemaId

SECONDS = 10.0
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Reference:
    """An import: its path, under which it is registered too, and the version of that."""

    path: str
    version: int


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema as the registry takes it."""

    text: str
    references: Sequence[Reference] = ()

    def body(self) -> dict[str, Any]:
        """Give it as the JSON of a request."""
        references = [
            {"name": one.path, "subject": one.path, "version": one.version}
            for one in self.references
        ]
        return {"schemaType": "PROTOBUF", "schema": self.text, "references": references}


class RegistryClient:
    """A registry under its base address. Unavailable from any call: it does not answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def find(self, subject: str, schema: Schema) -> SchemaId | None:
        """Look exactly this schema up; None if the subject or this version of it is not there."""
        answer = await self._ask("POST", f"/subjects/{_quote(subject)}", schema.body())
        return None if answer is None else SchemaId(answer["id"], answer["version"])

    async def add(self, subject: str, schema: Schema) -> None:
        """Register a version. FailedPrecondition, in the registry's words, if it is refused."""
        path = f"/subjects/{_quote(subject)}/versions"
        await self._ask("POST", path, schema.body())

    async def versions(self, subject: str) -> list[SchemaId]:
        """List the versions of a subject, the oldest first; empty if it is not there."""
        path = f"/subjects/{_quote(subject)}/versions"
        numbers = await self._ask("GET", path) or ()
        answers = [await self._ask("GET", f"{path}/{number}") for number in numbers]
        return [SchemaId(answer["id"], answer["version"]) for answer in answers]

    async def compatibility(self, subject: str) -> str:
        """Give the rule of a subject, `BACKWARD_TRANSITIVE`; empty if it has none of its own."""
        answer = await self._ask("GET", f"/config/{_quote(subject)}")
        return "" if answer is None else str(answer["compatibilityLevel"])

    async def set_compatibility(self, subject: str, rule: str) -> None:
        """Set the rule by which the next versions of a subject are judged."""
        await self._ask("PUT", f"/config/{_quote(subject)}", {"compatibility": rule})

    async def incompatible(self, subject: str, schema: Schema) -> list[str]:
        """Ask what the subject's rule says against a new version; empty if nothing."""
        path = f"/compatibility/subjects/{_quote(subject)}/versions?verbose=true"
        answer = await self._ask("POST", path, schema.body())
        if answer is None or answer["is_compatible"]:
            return []
        return [str(one) for one in answer.get("messages", ())] or ["it is not compatible"]

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        """Give the answer; None where the registry says that it knows no such thing."""
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise Unavailable(
                f"the schema registry at {self._http.base_url} does not answer: "
                f"{str(error) or type(error).__name__}"
            ) from error
        if answer.status_code == NOT_FOUND:
            return None
        if answer.is_server_error:
            raise Unavailable(
                f"the schema registry answers {answer.status_code} to {method} {path}"
            )
        if answer.is_error:
            raise FailedPrecondition(
                f"the schema registry refuses {path}: {answer.text[:500]}", reason="SCHEMA_REFUSED"
            )
        return answer.json()


@asynccontextmanager
async def open_registry(address: str) -> AsyncIterator[RegistryClient]:
    """Hold a client of the Confluent API at `address`, `http://…/apis/ccompat/v7`."""
    async with httpx.AsyncClient(base_url=address, timeout=SECONDS) as http:
        yield RegistryClient(http)


def _quote(subject: str) -> str:
    """Make a subject one segment of a path: imports have slashes."""
    return subject.replace("/", "%2F")
