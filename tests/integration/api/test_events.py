"""Events of all stores, found, listed and paged."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest

from bridge.events.event import Origin
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.api.services import Services
from tests.integration.service_kit import As

ORIGIN = Origin(actor="users/u1", correlation_id="c-1")


def confirmed(order_id: str) -> orders.OrderConfirmed:
    return orders.OrderConfirmed(order_id=order_id, customer="users/u1")


def deactivated(user_id: str) -> users.UserDeactivated:
    return users.UserDeactivated(user_id=user_id, reason="left")


async def alternating(services: Services, count: int) -> list[str]:
    """Events of two stores by turns; their names in the order of their times."""
    names = []
    for number in range(count):
        if number % 2:
            event = await services.append("users", deactivated(f"u{number}"), origin=ORIGIN)
        else:
            event = await services.append("orders", confirmed(f"o{number}"), origin=ORIGIN)
        names.append(f"events/{event.id}")
    return names


async def pages(platform: Platform, size: int, **wanted: Any) -> list[list[str]]:
    """The names of a list's pages."""
    found: list[list[str]] = []
    token = ""
    while True:
        answer = await platform.events.ListEvents(
            pb.ListEventsRequest(page_size=size, page_token=token, **wanted)
        )
        found.append([event.name for event in answer.events])
        token = answer.next_page_token
        if not token:
            return found


async def test_an_event_is_found_in_whichever_store_it_is(
    services: Services, auditor: Platform
) -> None:
    await services.append("orders", confirmed("o1"), origin=ORIGIN)
    stored = await services.append("users", deactivated("u1"), origin=ORIGIN)
    await services["users"].execute(
        "INSERT INTO bridge.published (position, topic, partition, record_offset)"
        " VALUES ($1, 'causeway.users.v1', 2, 41)",
        stored.position,
    )
    found = await auditor.events.GetEvent(pb.GetEventRequest(name=f"events/{stored.id}"))
    assert (found.type, found.source) == ("causeway.users.v1.UserDeactivated", "/causeway/users")
    assert (found.subject, found.key, found.sequence) == ("users/u1", "u1", 1)
    assert (found.topic, found.partition, found.offset) == ("causeway.users.v1", 2, 41)
    assert (found.correlation, found.causation) == ("c-1", "")
    assert found.time.ToDatetime(stored.time.tzinfo) == stored.time
    unpacked = users.UserDeactivated()
    assert found.data.Unpack(unpacked)
    assert unpacked == deactivated("u1")


async def test_an_event_that_is_not_published_has_a_topic_and_no_place(
    services: Services, auditor: Platform
) -> None:
    stored = await services.append("orders", confirmed("o1"))
    found = await auditor.events.GetEvent(pb.GetEventRequest(name=f"events/{stored.id}"))
    assert found.topic == "causeway.orders.v1"
    assert not found.HasField("partition")
    assert not found.HasField("offset")


@pytest.mark.parametrize("name", ["events/0190a7a8-0000-7000-8000-000000000000", "events/x"])
async def test_an_event_that_is_nowhere_is_not_found(auditor: Platform, name: str) -> None:
    with pytest.raises(CallFailed) as caught:
        await auditor.events.GetEvent(pb.GetEventRequest(name=name))
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


async def test_all_stores_are_one_list_in_the_order_of_time_whatever_the_size_of_a_page(
    services: Services, auditor: Platform
) -> None:
    names = await alternating(services, 9)
    for size, shape in ((50, [9]), (4, [4, 4, 1]), (3, [3, 3, 3]), (1, [1] * 9)):
        found = await pages(auditor, size)
        assert [len(page) for page in found] == shape
        assert [name for page in found for name in page] == names


async def test_a_page_goes_on_where_the_last_one_ended_though_events_came_between(
    services: Services, auditor: Platform
) -> None:
    names = await alternating(services, 4)
    first = await auditor.events.ListEvents(pb.ListEventsRequest(page_size=3))
    late = await services.append("users", deactivated("late"))
    rest = await auditor.events.ListEvents(
        pb.ListEventsRequest(page_size=3, page_token=first.next_page_token)
    )
    listed = [event.name for event in (*first.events, *rest.events)]
    assert listed == [*names, f"events/{late.id}"]


async def test_a_filter_leaves_only_what_matches_all_of_it(
    services: Services, auditor: Platform
) -> None:
    wanted = await services.append("orders", confirmed("o1"), origin=ORIGIN)
    shipped = orders.OrderShipped(order_id="o1", customer="users/u1")
    second = await services.append("orders", shipped, 1, Origin(correlation_id="c-2"))
    other = await services.append("users", deactivated("u1"), origin=ORIGIN)

    async def found(**fields: Any) -> set[str]:
        return {name for page in await pages(auditor, 50, **fields) for name in page}

    first, third = f"events/{wanted.id}", f"events/{other.id}"
    assert await found(subject="orders/o1") == {first, f"events/{second.id}"}
    assert await found(type="causeway.orders.v1.OrderConfirmed") == {first}
    assert await found(correlation="c-1") == {first, third}
    assert await found(correlation="c-1", source="/causeway/users") == {third}
    assert await found(subject="orders/o1", correlation="c-2", type="nothing.such") == set()


async def test_a_start_time_is_inclusive_and_an_end_time_is_not(
    services: Services, auditor: Platform
) -> None:
    stored = []
    for number in range(4):
        stored.append(await services.append("orders", confirmed(f"o{number}")))
        await asyncio.sleep(0.002)
    start, end = stored[1].time, stored[3].time
    found = await pages(auditor, 1, start_time=start, end_time=end)
    assert found == [[f"events/{stored[1].id}"], [f"events/{stored[2].id}"]]
    assert await pages(auditor, 9, start_time=end + timedelta(seconds=1)) == [[]]


async def test_a_page_ends_before_its_answer_would_be_too_large(
    services: Services, auditor: Platform
) -> None:
    names = []
    for number in range(5):
        large = users.UserDeactivated(user_id=f"u{number}", reason="x" * 900_000)
        names.append(f"events/{(await services.append('users', large)).id}")
    found = await pages(auditor, 50)
    assert [name for page in found for name in page] == names
    assert [len(page) for page in found] == [3, 2]


async def test_a_source_that_is_none_is_refused_with_those_that_are(auditor: Platform) -> None:
    with pytest.raises(CallFailed) as caught:
        await auditor.events.ListEvents(pb.ListEventsRequest(source="/causeway/stock"))
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "/causeway/orders" in caught.value.message


async def test_a_page_token_of_another_filter_is_refused(
    services: Services, auditor: Platform
) -> None:
    await alternating(services, 4)
    first = await auditor.events.ListEvents(pb.ListEventsRequest(page_size=2))
    again = pb.ListEventsRequest(page_token=first.next_page_token, source="/causeway/users")
    with pytest.raises(CallFailed) as caught:
        await auditor.events.ListEvents(again)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


async def test_who_is_no_auditor_reads_no_event(call_as: As) -> None:
    with pytest.raises(CallFailed) as caught:
        await call_as("operator").events.ListEvents(pb.ListEventsRequest())
    assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
