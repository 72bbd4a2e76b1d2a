"""The library's service appends and loads as docs/library.md says, with the page's own code."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from bridge.errors import InvalidArgument, StaleVersion
from bridge.events.event import Event
from bridge.events.schema import SchemaId
from bridge.service import Service
from bridge.store.event_store import EventStore
from bridge.worker import Work
from tests.event_protos import Protos, protos
from tests.integration.bridge.parts import Parts
from tests.platform import ROOT

PAGE = (ROOT / "docs" / "library.md").read_text("utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def payments() -> Protos:
    return protos({"payments/v1/events.proto": block("proto")})


@pytest.fixture
def service(parts: Parts, pool: asyncpg.Pool, payments: Protos) -> Service:
    catalog = payments.catalog()
    ids = {one.name: SchemaId(7, 1) for one in catalog}
    work = Work("/payments", parts.dsn, pool, parts.kafka, catalog)
    return Service(EventStore(catalog, ids, "/payments"), catalog, work)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's code defines."""
    defined: dict[str, Any] = {}
    exec(block("python more"), defined)  # noqa: S102
    return defined


def taken(payments: Protos, payment_id: str, cents: int = 1250) -> Any:
    fields = {"payment_id": payment_id, "payer": "alice", "cents": cents}
    return payments.make("payments.v1.PaymentTaken", **fields)


async def test_appends_without_a_connection_share_a_commit_with_what_they_write_beside(
    parts: Parts, connection: asyncpg.Connection, service: Service, page: Any, payments: Protos
) -> None:
    owner = await asyncpg.connect(parts.owner)
    await owner.execute("CREATE TABLE notes (stream text, payer text)")
    await owner.execute("GRANT ALL ON notes TO PUBLIC")
    await owner.close()
    pays = [page["pay_and_note"](service, taken(payments, f"p{n}")) for n in range(32)]
    await asyncio.gather(*pays)
    joined = await connection.fetchrow(
        "SELECT count(*) AS notes, count(DISTINCT events.xmin::text) AS commits"
        " FROM notes JOIN bridge.events USING (stream) WHERE notes.xmin = events.xmin"
    )
    assert joined["notes"] == 32
    assert joined["commits"] <= 2


async def test_a_stale_append_of_a_service_fails_alone(service: Service, payments: Protos) -> None:
    await service.append(taken(payments, "old"), expected_version=0)
    one, other = await asyncio.gather(
        service.append(taken(payments, "old"), expected_version=0),
        service.append(taken(payments, "new"), expected_version=0),
        return_exceptions=True,
    )
    assert isinstance(one, StaleVersion)
    assert isinstance(other, list)


async def test_a_long_stream_is_loaded_from_its_snapshot(
    connection: asyncpg.Connection, service: Service, page: Any, payments: Protos
) -> None:
    payment = [taken(payments, "p1", 2)] * 99
    await service.append(*payment, expected_version=0)
    kept = await page["pay_again"](service, taken(payments, "p1", 5))
    assert (kept.version, kept.state) == (100, 99 * 2 + 5)
    assert await connection.fetchval("SELECT data FROM bridge.snapshots") == b"203"
    assert await service.snapshots(page["SHAPE"]).load(connection, "payments/p1") == kept


async def test_what_is_written_beside_an_append_needs_no_connection(
    connection: asyncpg.Connection, service: Service, payments: Protos
) -> None:
    async def then(_: asyncpg.Connection, __: Sequence[Event]) -> None:
        raise AssertionError("it is refused before")

    with pytest.raises(InvalidArgument, match="write on yours"):
        await service.append(
            taken(payments, "p1"), expected_version=0, connection=connection, then=then
        )
