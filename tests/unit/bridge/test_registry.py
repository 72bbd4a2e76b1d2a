"""How schemas are looked up and registered, by a registry that notes what it is asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest

from bridge.errors import FailedPrecondition, Unavailable
from bridge.events.catalog import Catalog
from bridge.registry.schemas import register, schema_ids
from causeway.orders.v1 import events_pb2 as orders

CATALOG = Catalog.of(orders)


@dataclass
class Noting:
    """Confluent's API in memory; `asked` holds method and path of every request."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    schemas: dict[str, list[object]] = field(default_factory=dict)
    down: int = 0
    """How many requests are answered with 503 first."""

    def answer(self, method: str, path: str, body: object) -> tuple[int, object]:
        self.asked.append((method, unquote(path)))
        if self.down:
            self.down -= 1
            return 503, {}
        _, kind, subject, *rest = path.split("/")
        known = self.schemas.setdefault(unquote(subject), [])
        if kind == "config":
            return 200, body
        if rest:
            known.append(body)
            return 200, {"id": 1}
        if body not in known:
            return 404, {"error_code": 40403}
        return 200, {"id": 7, "version": known.index(body) + 1}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        lengths = [line[15:] for line in head.lower().split("\r\n") if "content-length" in line]
        given = await reader.readexactly(int(lengths[0])) if lengths else b"null"
        status, said = self.answer(method, path, json.loads(given))
        text = json.dumps(said).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + text)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(registry: Noting) -> AsyncIterator[str]:
    server = await asyncio.start_server(registry.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_what_a_process_asks_at_its_start_registers_nothing() -> None:
    registry = Noting()
    async with serving(registry) as address:
        await register(address, CATALOG)
        before = json.dumps(registry.schemas)
        registry.asked.clear()
        ids = await schema_ids(address, CATALOG)
    assert set(ids) == {one.name for one in CATALOG}
    assert json.dumps(registry.schemas) == before
    subjects = ["google/type/money.proto", *(one.subject for one in CATALOG)]
    assert registry.asked == [("POST", f"/subjects/{subject}") for subject in subjects]


async def test_a_schema_that_is_not_registered_is_named_with_the_step_to_take() -> None:
    registry = Noting()
    async with serving(registry) as address:
        with pytest.raises(FailedPrecondition, match="run the deploy step") as missing:
            await schema_ids(address, CATALOG)
    assert missing.value.reason == "SCHEMA_NOT_REGISTERED"
    assert not any(registry.schemas.values())


async def test_an_import_is_registered_before_what_imports_it_and_each_once() -> None:
    registry = Noting()
    async with serving(registry) as address:
        done = await register(address, CATALOG)
        again = await register(address, CATALOG)
    assert done[0].subject == "google/type/money.proto"
    assert all(one.new for one in done)
    assert not any(one.new for one in again)
    added = [path for method, path in registry.asked if path.endswith("/versions")]
    assert len(added) == len(set(added)) == len(done)


async def test_the_rule_of_a_subject_is_set_before_its_first_version() -> None:
    registry = Noting()
    async with serving(registry) as address:
        await register(address, CATALOG)
    for one in CATALOG:
        rule = registry.asked.index(("PUT", f"/config/{one.subject}"))
        assert rule < registry.asked.index(("POST", f"/subjects/{one.subject}/versions"))


async def test_a_start_waits_for_a_registry_that_comes_back() -> None:
    registry = Noting()
    async with serving(registry) as address:
        await register(address, CATALOG)
        registry.down = 2
        assert set(await schema_ids(address, CATALOG)) == {one.name for one in CATALOG}


async def test_a_registry_that_stays_away_is_named() -> None:
    registry = Noting()
    async with serving(registry) as address:
        pass
    with pytest.raises(Unavailable, match=f"schema registry at {address}"):
        await schema_ids(address, CATALOG, patience=0)


async def test_an_answer_that_is_an_error_is_unavailable_and_not_a_missing_schema() -> None:
    registry = Noting(down=100)
    async with serving(registry) as address:
        with pytest.raises(Unavailable, match="answers 503"):
            await schema_ids(address, CATALOG, patience=0)
