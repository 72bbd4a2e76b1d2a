"""A client in Java: it reads what we write, and we read what it writes."""

import asyncio
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.json_format import ParseDict

from bridge.events.catalog import Catalog
from bridge.events.codec import decode, headers
from bridge.events.event import Origin
from bridge.events.schema import SchemaId
from bridge.events.wire import split_value, wire_prefix
from bridge.registry.client import Reference, Schema, open_registry
from bridge.registry.proto_text import text_of
from bridge.registry.schemas import register, schema_ids
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from tests import vectors
from tests.java.running import answers, compiled, jars
from tests.unit.bridge.records import FakeRecord
from tests.unit.bridge.test_codec import EVENT_ID, TIME
from tests.vectors import Vector

VECTORS = vectors.read()
Ask = Callable[..., list[str]]


@dataclass(frozen=True, slots=True)
class Java:
    """The client, and a topic of its own whose schemas are registered."""

    ask: Ask
    topic: str
    catalog: Catalog
    ids: dict[str, SchemaId]

    def write(self, of: list[Vector]) -> list[bytes]:
        lines = [f"write {self.topic} {one.full_name} {json.dumps(one.json)}" for one in of]
        return [bytes.fromhex(line) for line in self.ask(lines)]

    def read(self, values: list[bytes]) -> list[tuple[str, Any]]:
        answered = self.ask([f"read {self.topic} {value.hex()}" for value in values])
        named = (line.split(" ", 1) for line in answered)
        return [(name, json.loads(text)) for name, text in named]


@pytest.fixture(scope="module")
def java(_platform: None, tmp_path_factory: pytest.TempPathFactory) -> Java:
    return asyncio.run(prepared(os.environ["CAUSEWAY_TEST_REGISTRY"], tmp_path_factory))


async def prepared(registry: str, folders: pytest.TempPathFactory) -> Java:
    topic = f"t-java-{uuid.uuid4().hex[:12]}"
    wanted = {vector.full_name for vector in VECTORS}
    catalog = Catalog(
        {
            one.name: replace(one, topic=topic, subject=f"{topic}-{one.name}")
            for one in (*vectors.CATALOG, *vectors.SHAPES_CATALOG)
            if one.name in wanted
        }
    )
    await register(registry, catalog)
    ids = {**await schema_ids(registry, catalog), **await register_nested(registry, topic)}
    folder = folders.mktemp("java")
    types = folder / "types.binpb"
    types.write_bytes(all_types().SerializeToString())
    command = await compiled("Client", await jars("serde"), folder)
    address = registry.removesuffix(urlsplit(registry).path)

    def ask(lines: list[str]) -> list[str]:
        return answers(command, address, str(types), lines=lines)

    return Java(ask, topic, catalog, ids)


async def register_nested(registry: str, topic: str) -> dict[str, SchemaId]:
    """Subjects of messages that are no events, for the paths that only they have."""
    files = {
        "causeway.orders.v1.OrderCreated.Item": orders.DESCRIPTOR,
        "causeway.shapes.v1.Deep.Second": vectors.SHAPES.file(vectors.SHAPES_PATH),
        "causeway.shapes.v1.Deep.Second.Third": vectors.SHAPES.file(vectors.SHAPES_PATH),
    }
    found = {}
    async with open_registry(registry) as client:
        money = (await client.versions("google/type/money.proto"))[-1]
        for name, file in files.items():
            needs = [Reference("google/type/money.proto", money.version)]
            schema = Schema(text_of(file), needs if file is orders.DESCRIPTOR else [])
            await client.add(f"{topic}-{name}", schema)
            added = await client.find(f"{topic}-{name}", schema)
            assert added is not None
            found[name] = added
    return found


def all_types() -> FileDescriptorSet:
    """The files of the vectors' messages, imports first."""
    files = FileDescriptorSet()

    def add(file: Any) -> None:
        for needed in file.dependencies:
            add(needed)
        if all(file.name != one.name for one in files.file):
            file.CopyToProto(files.file.add())

    for file in (orders.DESCRIPTOR, users.DESCRIPTOR, vectors.SHAPES.file(vectors.SHAPES_PATH)):
        add(file)
    return files


def test_java_reads_what_we_write(java: Java) -> None:
    values = [
        wire_prefix(java.ids[one.full_name].id, one.indexes) + one.message.SerializeToString()
        for one in VECTORS
    ]
    for vector, (name, said) in zip(VECTORS, java.read(values), strict=True):
        assert name == vector.full_name, vector.name
        assert ParseDict(said, vector.kind()) == vector.message, vector.name


def test_java_writes_the_golden_bytes_with_the_ids_of_confluents_api(java: Java) -> None:
    for vector, value in zip(VECTORS, java.write(VECTORS), strict=True):
        schema_id, indexes, _ = split_value(value)
        assert schema_id == java.ids[vector.full_name].id, vector.name
        assert indexes == vector.indexes, vector.name
        assert value[5:] == vector.apicurio[5:], vector.name


def test_we_read_what_java_writes(java: Java) -> None:
    events = [one for one in VECTORS if java.catalog.get(one.full_name) is not None]
    assert len(events) > len(VECTORS) / 2
    for vector, value in zip(events, java.write(events), strict=True):
        event_type = java.catalog[vector.full_name]
        said = headers(EVENT_ID, event_type, "/elsewhere", "o/1", 1, TIME, 1, Origin())
        event = decode(FakeRecord(value=value, headers=said), java.catalog)
        assert (event.type, event.message) == (vector.full_name, vector.message), vector.name
