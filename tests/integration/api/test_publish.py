"""Events from outside: whose they are, what they may be, and that each is stored once."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from bridge.api.stores import open_stores
from bridge.server.serve import Server
from bridge.store.intake import Intake
from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from causeway.inventory.v1 import events_pb2 as inventory
from causeway.orders.v1 import events_pb2 as orders
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.api.publishing import SOURCE, STOCK, adjusted, packed, published, streams
from tests.integration.api.services import Services
from tests.integration.service_kit import As
from tests.unit.api.test_publishable import offered
from tests.unit.server.conftest import Issuer


@pytest.fixture
def publisher(call_as: As) -> Platform:
    return call_as("publisher", sub="paul")


async def refusal(platform: Platform, event: event_pb2.Event, request_id: str = "") -> CallFailed:
    with pytest.raises(CallFailed) as failed:
        await published(platform, event, request_id)
    return failed.value


async def test_an_event_from_outside_is_stored_with_its_source_and_who_published_it(
    services: Services, publisher: Platform
) -> None:
    event = await published(publisher, adjusted("book", 5, name="events/receipt-1"))
    [row] = await services["bridge"].fetch("SELECT * FROM bridge.events")
    assert event.name == f"events/{row['event_id']}"
    assert (event.source, event.subject, event.key) == (SOURCE, "inventory/book", "book")
    assert (event.type, event.sequence) == (STOCK, 1)
    assert event.causation == f"{SOURCE}#receipt-1"
    assert (row["actor"], row["client"]) == ("users/paul", "causeway-cli")
    assert row["method"] == "/causeway.bridge.v1.EventService/PublishEvent"
    assert row["correlation_id"] == event.correlation
    unpacked = inventory.StockAdjusted()
    assert event.data.Unpack(unpacked)
    assert (unpacked.sku, unpacked.delta) == ("book", 5)


async def test_it_waits_for_the_relay_like_any_other(
    services: Services, publisher: Platform
) -> None:
    await published(publisher, adjusted("book", 5))
    assert await services["bridge"].fetchval("SELECT topic FROM bridge.outbox") == (
        "causeway.inventory.v1"
    )


async def test_what_was_published_is_found_under_the_name_that_was_answered(
    publisher: Platform, auditor: Platform
) -> None:
    event = await published(publisher, adjusted("book", 5))
    assert await auditor.events.GetEvent(pb.GetEventRequest(name=event.name)) == event


async def test_the_same_source_and_id_give_the_same_event(
    services: Services, publisher: Platform
) -> None:
    first = await published(publisher, adjusted("book", 5, name="events/receipt-1"))
    again = await published(publisher, adjusted("book", 5, name="events/receipt-1"))
    assert again == first
    assert await streams(services) == {"inventory/book": [1]}


async def test_the_same_id_of_another_source_is_another_event(
    services: Services, publisher: Platform
) -> None:
    await published(publisher, adjusted("book", 5, name="events/1"))
    await published(publisher, adjusted("book", 5, name="events/1", source="urn:till:7"))
    assert await streams(services) == {"inventory/book": [1, 2]}


async def test_the_same_source_and_id_with_other_content_is_refused(
    services: Services, publisher: Platform
) -> None:
    same: dict[str, Any] = {"sku": "book", "delta": 5, "name": "events/receipt-1"}
    await published(publisher, adjusted(**same))
    for other in ({"delta": 6}, {"sku": "lamp"}, {"time": datetime(2026, 1, 1, tzinfo=UTC)}):
        error = await refusal(publisher, adjusted(**same | other))
        assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "EVENT_ID_REUSED")
    assert await streams(services) == {"inventory/book": [1]}


async def test_duplicates_at_the_same_time_are_stored_once(
    services: Services, publisher: Platform
) -> None:
    event = adjusted("book", 5, name="events/receipt-1")
    answers = await asyncio.gather(*(published(publisher, event) for _ in range(20)))
    assert len({answer.name for answer in answers}) == 1
    assert await streams(services) == {"inventory/book": [1]}


async def test_callers_without_a_request_id_are_stored_together_and_once(
    services: Services, server: Server, issuer: Issuer
) -> None:
    metadata = (("authorization", f"Bearer {issuer.token('publisher')}"),)
    numbers = [*range(1, 21)] * 2
    events = [adjusted("book", number, name=f"events/{number}") for number in numbers]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        publish = EventServiceStub(channel).PublishEvent
        answers = await asyncio.gather(
            *(publish(pb.PublishEventRequest(event=event), metadata=metadata) for event in events)
        )
    assert [answer.name for answer in answers[:20]] == [answer.name for answer in answers[20:]]
    assert await streams(services) == {"inventory/book": list(range(1, 21))}


async def test_two_processes_that_write_one_stream_leave_no_version_out(
    services: Services,
) -> None:
    async with open_stores({"a": services.own_dsn, "b": services.own_dsn}) as stores:
        intakes = [Intake(stores.by_name(name).pool, most=5) for name in ("a", "b")]
        numbers = [*range(1, 31)] * 2
        offers = [offered(adjusted("book", n, name=f"events/{n}")) for n in numbers]
        await asyncio.gather(*(intakes[n % 2].put([one]) for n, one in enumerate(offers)))
    assert await streams(services) == {"inventory/book": list(range(1, 31))}


async def test_a_request_id_makes_one_event_of_a_repeated_call_without_an_id(
    services: Services, publisher: Platform, call_as: As
) -> None:
    request_id = str(uuid.uuid4())
    first = await published(publisher, adjusted("book", 5), request_id)
    assert await published(publisher, adjusted("book", 5), request_id.upper()) == first
    others = await published(call_as("publisher", sub="pia"), adjusted("book", 5), request_id)
    assert others.name != first.name
    assert await streams(services) == {"inventory/book": [1, 2]}


async def test_concurrent_calls_with_one_request_id_yield_one_event(
    services: Services, publisher: Platform
) -> None:
    request_id = str(uuid.uuid4())
    event = adjusted("book", 5)
    answers = await asyncio.gather(*(published(publisher, event, request_id) for _ in range(10)))
    assert len({answer.name for answer in answers}) == 1
    assert await streams(services) == {"inventory/book": [1]}


async def test_a_request_id_with_another_body_is_refused_and_stores_nothing(
    services: Services, publisher: Platform
) -> None:
    for before in ("events/receipt-1", ""):
        request_id = str(uuid.uuid4())
        await published(publisher, adjusted("book", 5, name=before), request_id)
        for name in ("", "events/receipt-1", "events/receipt-2"):
            error = await refusal(publisher, adjusted("book", 6, name=name), request_id)
            assert error.code == grpc.StatusCode.FAILED_PRECONDITION
            assert error.reason == "REQUEST_ID_REUSED"
    assert await streams(services) == {"inventory/book": [1, 2]}


async def test_a_new_request_for_an_event_that_is_stored_gives_it_and_is_remembered(
    services: Services, publisher: Platform
) -> None:
    event, request_id = adjusted("book", 5, name="events/receipt-1"), str(uuid.uuid4())
    first = await published(publisher, event)
    assert await published(publisher, event, request_id) == first
    error = await refusal(publisher, adjusted("book", 5, name="events/receipt-2"), request_id)
    assert error.reason == "REQUEST_ID_REUSED"


async def test_one_refused_among_many_does_not_keep_the_others_out(
    services: Services, publisher: Platform
) -> None:
    request_id = str(uuid.uuid4())
    await published(publisher, adjusted("lamp", 1, name="events/lamp"), request_id)
    calls = [published(publisher, adjusted("book", 1)) for _ in range(10)]
    calls.append(published(publisher, adjusted("lamp", 1, name="events/lamp-2"), request_id))
    calls.append(published(publisher, adjusted("lamp", 2, name="events/lamp")))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [answer for answer in answers[:10] if isinstance(answer, BaseException)] == []
    assert [getattr(answer, "reason", "") for answer in answers[10:]] == [
        "REQUEST_ID_REUSED",
        "EVENT_ID_REUSED",
    ]
    assert await streams(services) == {"inventory/lamp": [1], "inventory/book": list(range(1, 11))}


async def test_of_many_at_once_each_has_its_own_caller_and_what_is_wrong_is_refused_alone(
    services: Services, call_as: As
) -> None:
    names = [f"paul-{number}" for number in range(8)]
    platforms = [call_as("publisher", sub=name) for name in names]
    calls = [published(one, adjusted(f"sku-{n}", 1)) for n, one in enumerate(platforms)]
    calls.append(published(platforms[0], adjusted("b@d", 1)))
    *stored, refused = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(refused, CallFailed)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert not any(isinstance(one, BaseException) for one in stored)
    rows = await services["bridge"].fetch("SELECT actor, stream FROM bridge.events")
    assert {(row["actor"], row["stream"]) for row in rows} == {
        (f"users/{name}", f"inventory/sku-{n}") for n, name in enumerate(names)
    }


async def test_the_time_of_the_event_is_kept(publisher: Platform) -> None:
    said = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    event = await published(publisher, adjusted("book", 1, time=said))
    assert event.time.ToDatetime(tzinfo=UTC) == said


OTHERS = orders.OrderConfirmed(order_id="o1", customer="users/u1")


async def test_what_is_wrong_with_an_event_is_named(
    services: Services, publisher: Platform
) -> None:
    error = await refusal(publisher, adjusted("no blank", 1))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert str(error).count("event.data.sku")
    assert await streams(services) == {}


async def test_an_event_of_a_service_can_not_be_published_by_anybody_else(
    services: Services, call_as: As
) -> None:
    forged = event_pb2.Event(
        type=OTHERS.DESCRIPTOR.full_name, source="/warehouse", data=packed(OTHERS)
    )
    for roles in (("publisher",), ("publisher", "admin", "operator")):
        error = await refusal(call_as(*roles), forged)
        assert (error.code, error.reason) == (
            grpc.StatusCode.PERMISSION_DENIED,
            "NOT_PUBLISHABLE",
        )
    forged.type = STOCK
    assert (await refusal(call_as("publisher"), forged)).code == grpc.StatusCode.INVALID_ARGUMENT
    assert await streams(services) == {}


async def test_who_is_no_publisher_publishes_nothing(services: Services, call_as: As) -> None:
    error = await refusal(call_as("customer"), adjusted("book", 5))
    assert error.code == grpc.StatusCode.PERMISSION_DENIED
    assert await streams(services) == {}


async def test_events_are_listed_by_the_source_that_published_them(
    services: Services, publisher: Platform, auditor: Platform
) -> None:
    await services.append("orders", orders.OrderConfirmed(order_id="o1", customer="users/u1"))
    for source in ("/till", "/till#a", "/till-2"):
        await published(publisher, adjusted("book", 1, source=source))

    async def sources(source: str) -> list[str]:
        page = await auditor.events.ListEvents(pb.ListEventsRequest(source=source))
        return [event.source for event in page.events]

    assert await sources("/till") == ["/till"]
    assert await sources("/till#a") == ["/till#a"]
    assert await sources("/nobody") == []
    assert len(await sources("/causeway/bridge")) == 3
    assert len(await sources("")) == 4
