"""Parked events of all stores: listed, and asked for again or given up, by filter."""

import uuid
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from bridge.events.codec import headers
from bridge.events.event import Origin
from bridge.events.wire import wire_prefix
from bridge.parking.stored import columns
from causeway.bridge.v1 import operations_service_pb2 as pb
from causeway.orders.v1 import events_pb2 as orders
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.api.services import CATALOG, Services
from tests.integration.service_kit import As
from tests.unit.bridge.records import FakeRecord

CONFIRMED = CATALOG["causeway.orders.v1.OrderConfirmed"]
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def record(order_id: str, offset: int, value: bytes | None = None) -> FakeRecord:
    """A record as the relay writes it, or with a value that is none."""
    message = orders.OrderConfirmed(order_id=order_id, customer="users/u1")
    said = headers(
        str(uuid.uuid4()), CONFIRMED, "/causeway/orders", f"orders/{order_id}", 4, NOON, 1,
        Origin(correlation_id="c-1"),
    )  # fmt: skip
    encoded = wire_prefix(7, CONFIRMED.indexes) + message.SerializeToString()
    return FakeRecord(
        CONFIRMED.topic, 1, offset, order_id.encode(), encoded if value is None else value, said
    )


async def park(
    services: Services, service: str, group: str, one: FakeRecord, reason: str = "UNKNOWN_SKU"
) -> int:
    """Park a record as the consumer does; gives the id."""
    made: int = await services[service].fetchval(
        "INSERT INTO bridge.parked (key, event_id, type, topic, partition, record_offset,"
        " record_key, value, headers, consumer_group, reason, attempts, stack_digest)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 3, 'abc ValueError at f:1')"
        " RETURNING id",
        *columns(one),
        group,
        reason,
    )
    return made


async def listed(platform: Platform, **wanted: Any) -> list[pb.DeadLetter]:
    request = pb.ListDeadLettersRequest(filter=pb.DeadLetterFilter(**wanted))
    return list((await platform.operations.ListDeadLetters(request)).dead_letters)


async def redriven(platform: Platform, request_id: str = "", **wanted: Any) -> int:
    request = pb.RedriveDeadLettersRequest(
        filter=pb.DeadLetterFilter(**wanted), request_id=request_id
    )
    return (await platform.operations.RedriveDeadLetters(request)).count


async def asked(services: Services, service: str, what: str) -> dict[int, str]:
    """Who asked, by id."""
    rows = await services[service].fetch(
        f"SELECT id, {what}_actor AS actor FROM bridge.parked WHERE {what}_time IS NOT NULL"  # noqa: S608
    )
    return {row["id"]: row["actor"] for row in rows}


async def test_a_dead_letter_shows_the_event_and_why_it_is_parked(
    services: Services, admin: Platform
) -> None:
    number = await park(services, "users", "causeway.users.credit", record("o1", 17))
    [letter] = await listed(admin)
    assert letter.name == f"deadLetters/users-{number}"
    assert (letter.group, letter.reason, letter.attempts) == (
        "causeway.users.credit", "UNKNOWN_SKU", 3,
    )  # fmt: skip
    assert letter.stack_digest == "abc ValueError at f:1"
    assert letter.HasField("park_time")
    assert not letter.HasField("next_attempt_time")
    event = letter.event
    assert (event.type, event.subject, event.key) == (CONFIRMED.name, "orders/o1", "o1")
    assert (event.topic, event.partition, event.offset) == (CONFIRMED.topic, 1, 17)
    assert (event.sequence, event.correlation) == (4, "c-1")
    assert event.time.ToDatetime(UTC) == NOON
    unpacked = orders.OrderConfirmed()
    assert event.data.Unpack(unpacked)
    assert unpacked.order_id == "o1"
    assert not letter.raw_value


async def test_a_record_that_can_not_be_decoded_shows_the_beginning_of_what_it_is(
    services: Services, admin: Platform
) -> None:
    await park(services, "users", "g", record("o1", 1, b"not an event" * 1000))
    broken = FakeRecord("t", 0, 2, None, None, [("ce_id", b"\xff"), ("ce_time", b"noon")])
    await park(services, "users", "g", broken)
    first, second = await listed(admin)
    assert not first.event.HasField("data")
    assert len(first.raw_value) == 4096
    assert first.raw_value.startswith(b"not an event")
    assert (second.event.name, second.event.key, second.event.type) == ("", "", "")
    assert (second.event.topic, second.event.partition, second.event.offset) == ("t", 0, 2)
    assert not second.event.HasField("time")


async def test_all_fields_of_a_filter_must_match(services: Services, admin: Platform) -> None:
    one = await park(services, "users", "g1", record("o1", 1))
    two = await park(services, "users", "g1", record("o2", 2), "CREDIT_AWAY")
    three = await park(services, "orders", "g2", record("o1", 3))

    async def found(**wanted: Any) -> list[str]:
        return [letter.name for letter in await listed(admin, **wanted)]

    names = [f"deadLetters/users-{one}", f"deadLetters/users-{two}", f"deadLetters/orders-{three}"]
    assert await found() == names
    assert await found(group="g1") == names[:2]
    assert await found(key="o1") == [names[0], names[2]]
    assert await found(key="o1", group="g1") == names[:1]
    assert await found(reason="CREDIT_AWAY") == [names[1]]
    assert await found(type=CONFIRMED.name) == names
    assert await found(names=[names[0], names[2]]) == [names[0], names[2]]
    assert await found(names=[names[0]], key="o2") == []


async def test_pages_hold_each_dead_letter_once(services: Services, admin: Platform) -> None:
    for number in range(5):
        await park(services, ("users", "orders")[number % 2], "g", record(f"o{number}", number))
    token, found = "", []
    while True:
        page = await admin.operations.ListDeadLetters(
            pb.ListDeadLettersRequest(page_size=2, page_token=token)
        )
        found += [letter.event.key for letter in page.dead_letters]
        token = page.next_page_token
        if not token:
            break
    assert found == [f"o{number}" for number in range(5)]


async def test_a_redrive_asks_for_what_matches_in_every_store_and_says_who(
    services: Services, call_as: As
) -> None:
    first = await park(services, "users", "g", record("o1", 1), "BUG")
    other = await park(services, "users", "g", record("o2", 2), "OTHER")
    third = await park(services, "orders", "h", record("o3", 3), "BUG")
    assert await redriven(call_as("admin", sub="rita"), reason="BUG") == 2
    assert await asked(services, "users", "redrive") == {first: "users/rita"}
    assert await asked(services, "orders", "redrive") == {third: "users/rita"}
    assert other not in await asked(services, "users", "redrive")
    [letter] = await listed(call_as("admin"), group="h")
    assert letter.HasField("redrive_time")


async def test_the_owning_worker_is_woken(services: Services, admin: Platform) -> None:
    heard: list[str] = []
    await services["users"].add_listener("bridge_parked", lambda *said: heard.append(said[2]))
    await park(services, "users", "g", record("o1", 1))
    await redriven(admin, group="g")
    await services["users"].fetchval("SELECT 1")
    assert heard == ["bridge_parked"]


async def test_what_was_given_up_is_not_redriven(services: Services, admin: Platform) -> None:
    number = await park(services, "users", "g", record("o1", 1))
    request = pb.DiscardDeadLettersRequest(
        filter=pb.DeadLetterFilter(names=[f"deadLetters/users-{number}"])
    )
    assert (await admin.operations.DiscardDeadLetters(request)).count == 1
    assert await asked(services, "users", "discard") == {number: "users/u-1"}
    assert await redriven(admin, group="g") == 0
    assert await asked(services, "users", "redrive") == {}


@pytest.mark.parametrize("method", ["RedriveDeadLetters", "DiscardDeadLetters"])
async def test_a_filter_that_names_nothing_is_refused_and_touches_nothing(
    services: Services, admin: Platform, method: str
) -> None:
    await park(services, "users", "g", record("o1", 1))
    request = getattr(pb, f"{method}Request")(filter=pb.DeadLetterFilter())
    with pytest.raises(CallFailed) as caught:
        await getattr(admin.operations, method)(request)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.reason == "EMPTY_FILTER"
    assert "group" in caught.value.message
    for what in ("redrive", "discard"):
        assert await asked(services, "users", what) == {}


@pytest.mark.parametrize("name", ["deadLetters/stock-1", "deadLetters/users-x", "deadLetters/1"])
async def test_a_name_that_can_be_none_is_refused(admin: Platform, name: str) -> None:
    with pytest.raises(CallFailed) as caught:
        await redriven(admin, names=[name])
    assert caught.value.reason == "INVALID_NAME"
    assert "filter.names[0]" in caught.value.violations


async def test_the_same_request_again_has_the_same_answer_and_asks_for_nothing_more(
    services: Services, admin: Platform
) -> None:
    request_id = str(uuid.uuid4())
    await park(services, "users", "g", record("o1", 1))
    assert await redriven(admin, request_id, group="g") == 1
    late = await park(services, "users", "g", record("o2", 2))
    assert await redriven(admin, request_id, group="g") == 1
    assert late not in await asked(services, "users", "redrive")
    with pytest.raises(CallFailed) as caught:
        await redriven(admin, request_id, group="h")
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.reason == "REQUEST_ID_REUSED"


async def test_who_is_no_admin_sees_no_dead_letter(call_as: As) -> None:
    for role in ("auditor", "operator"):
        with pytest.raises(CallFailed) as caught:
            await listed(call_as(role))
        assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
