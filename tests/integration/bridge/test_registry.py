"""Schemas in the real registry, and records that others can read."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import grpc_tools
import httpx
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from bridge.errors import FailedPrecondition
from bridge.events.wire import split_value
from bridge.kafka.record import Record
from bridge.registry.schemas import register, schema_ids
from bridge.store.event_store import EventStore
from causeway.orders.v1 import events_pb2 as orders
from tests.confluent import confluents_reading
from tests.integration.bridge.parts import (
    SOURCE,
    Parts,
    append,
    catalog_on,
    outbox_is_empty,
    read_all,
    relaying,
    until,
)

CONFIRMED = "causeway.orders.v1.OrderConfirmed"


async def test_registering_again_changes_nothing_and_ids_survive(
    parts: Parts, registry: str
) -> None:
    first = await register(registry, parts.catalog)
    ids = await schema_ids(registry, parts.catalog)
    again = await register(registry, parts.catalog)
    assert any(one.new for one in first)
    assert not any(one.new for one in again)
    assert await schema_ids(registry, parts.catalog) == ids
    assert set(ids) == {one.name for one in parts.catalog}


async def test_a_look_up_registers_nothing(registry: str) -> None:
    with pytest.raises(FailedPrecondition) as missing:
        await schema_ids(registry, catalog_on("t-bridge-never-registered"))
    assert missing.value.reason == "SCHEMA_NOT_REGISTERED"


async def test_subjects_are_backward_transitive(parts: Parts, registry: str) -> None:
    await register(registry, parts.catalog)
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{registry}/config/{parts.catalog[CONFIRMED].subject}")
    assert answer.json()["compatibilityLevel"] == "BACKWARD_TRANSITIVE"


async def record_of(parts: Parts, registry: str, connection: asyncpg.Connection) -> Record:
    await register(registry, parts.catalog)
    ids = await schema_ids(registry, parts.catalog)
    own = replace(parts, store=EventStore(parts.catalog, ids, SOURCE))
    await append(own, connection, "o1", 0)
    async with relaying(own):
        await until(lambda: outbox_is_empty(connection))
    [record] = await read_all(parts.kafka, parts.topic)
    return record


async def test_a_record_decodes_with_confluents_deserializer(
    parts: Parts, registry: str, connection: asyncpg.Connection
) -> None:
    record = await record_of(parts, registry, connection)
    message = confluents_reading(parts.topic, record.value or b"", orders.OrderConfirmed)
    assert message == orders.OrderConfirmed(order_id="o1", customer="users/u1")


def save_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


async def fetch(http: httpx.AsyncClient, path: str) -> Any:
    answer = await http.get(path)
    answer.raise_for_status()
    return answer.json()


async def save(http: httpx.AsyncClient, schema: Any, path: Path, root: Path) -> None:
    """Write a schema's text and, under their names, all that it imports."""
    save_text(path, schema["schema"])
    for reference in schema.get("references", []):
        subject = reference["subject"].replace("/", "%2F")
        found = await fetch(http, f"/subjects/{subject}/versions/{reference['version']}")
        await save(http, found, root / reference["name"], root)


async def test_the_schema_behind_a_records_id_compiles_and_the_index_matches(
    parts: Parts, registry: str, connection: asyncpg.Connection
) -> None:
    record = await record_of(parts, registry, connection)
    schema_id, indexes, _ = split_value(record.value or b"")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        async with httpx.AsyncClient(base_url=registry) as http:
            schema = await fetch(http, f"/schemas/ids/{schema_id}")
            await save(http, schema, root / "record.proto", root)
        well_known = Path(grpc_tools.__file__).parent / "_proto"
        out = root / "out.binpb"
        arguments = ["", f"-I{root}", f"-I{well_known}", f"-o{out}", str(root / "record.proto")]
        assert protoc.main(arguments) == 0
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    [file] = files.file
    [index] = indexes
    assert f"{file.package}.{file.message_type[index].name}" == CONFIRMED
    headers = dict(record.headers)
    subject = parts.catalog[CONFIRMED].subject
    assert headers["ce_dataschema"] == f"/subjects/{subject}/versions/1".encode()
