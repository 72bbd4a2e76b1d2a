"""The tour's own parts; with real ones it runs in the end-to-end tests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg
import pytest

from bridge.kafka.errors import KafkaError
from bridge.kafka.record import Partition, Record
from bridge.kafka.settings import KafkaSettings
from stack.tour.edge import amount
from stack.tour.journey import Addresses, Hop
from stack.tour.log import CONFIRMED, CREATED, RESERVED, UNWANTED, Log
from stack.tour.refused import Refused
from stack.tour.text import WORDS, hop_text, hops_json
from stack.tour.walk import HopMissing, Pace, walk

NOWHERE = Addresses(
    edge="http://127.0.0.1:1",
    issuer="http://127.0.0.1:1/realms/causeway",
    kafka=KafkaSettings("127.0.0.1:1"),
    orders_database="postgresql://127.0.0.1:1/orders",
    mailbox="http://127.0.0.1:1/messages",
)


def record(event: str, correlation: str, offset: int) -> Record:
    headers = {"ce_type": event, "ce_correlationid": correlation, "ce_id": "e1"}
    return Written("causeway.orders.v1", 2, offset, [(k, v.encode()) for k, v in headers.items()])


@dataclass(frozen=True)
class Written:
    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes]]
    key: bytes | None = None
    value: bytes | None = None


async def those(*records: Record) -> AsyncIterator[Record]:
    """A log that holds these records and then nothing."""
    for one in records:
        yield one


async def test_an_event_is_found_by_its_request_and_type_with_coordinates_and_leader() -> None:
    log = Log({Partition("causeway.orders.v1", 2): 3})
    await log.read(
        those(record(CREATED, "other", 5), record(CREATED, "mine", 6), record(CONFIRMED, "mine", 7))
    )
    facts = (await log.find("mine", CREATED)).facts
    assert facts == {
        "event": "OrderCreated",
        "topic": "causeway.orders.v1",
        "partition": 2,
        "offset": 6,
        "leader": 3,
        "event_id": "e1",
    }


@pytest.mark.parametrize("unwanted", UNWANTED)
async def test_a_refused_order_ends_the_waiting_for_credit(unwanted: str) -> None:
    log = Log({})
    await log.read(those(record(unwanted, "mine", 1)))
    with pytest.raises(Refused):
        await log.find("mine", RESERVED)


async def test_an_event_that_comes_later_is_waited_for() -> None:
    log = Log({})
    waiting = asyncio.create_task(log.find("mine", CREATED))
    await asyncio.sleep(0)
    await log.read(those(record(CREATED, "mine", 1)))
    assert (await waiting).facts["offset"] == 1


async def test_the_missing_hop_is_named() -> None:
    with pytest.raises(HopMissing) as caught:
        await anext(walk(NOWHERE, 5))
    assert caught.value.hop == "registration"


def test_every_hop_is_a_line_and_the_mail_is_shown_in_full() -> None:
    hop = Hop("mail", 812.25, {"to": "a@b.c", "text": "Hello,\nyour order stands."})
    lines = hop_text(hop).splitlines()
    assert lines[0].split()[:3] == ["812.2", "ms", "mail"]
    assert [line.strip() for line in lines[2:]] == ["| Hello,", "| your order stands."]
    assert set(WORDS) >= {"edge", "service", "store", "kafka", "credit", "confirmation", "mail"}


def test_the_listing_for_programs_names_what_is_missing() -> None:
    listing = hops_json([Hop("edge", 1.0, {})], "kafka")
    assert (listing["complete"], listing["missing"]) == (False, "kafka")


def test_amounts_have_cents() -> None:
    assert amount({"units": "25", "nanos": 500_000_000, "currencyCode": "EUR"}) == "25.50 EUR"


@pytest.mark.parametrize(
    "error", [asyncpg.PostgresError("no"), asyncpg.InterfaceError("no"), KafkaError("no")]
)
async def test_a_part_that_fails_in_its_own_words_is_a_missing_hop(error: Exception) -> None:
    async def fail() -> None:
        raise error

    with pytest.raises(HopMissing, match="no") as raised:
        await Pace(5).within("store", fail())
    assert raised.value.hop == "store"
