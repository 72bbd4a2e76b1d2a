"""A trace says who, what, where, what each consumer did, and what followed, over all stores."""

import json
import uuid
from datetime import timedelta
from typing import Any

import grpc
import pytest

from bridge.api import event_table
from bridge.events.event import Event, Origin
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.api.services import Services

CREATED = "causeway.orders.v1.OrderCreated"
RESERVED = "causeway.users.v1.CreditReserved"
BEGUN = Origin(
    actor="users/u1",
    client="causeway-cli",
    method="/causeway.orders.v1.OrderService/CreateOrder",
    request_id="r-1",
    correlation_id="c-1",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


async def story(services: Services) -> tuple[Event, Event, Event]:
    """An order, the credit that it reserved, and its confirmation; and one of another request."""
    created = await services.append("orders", orders.OrderCreated(order_id="o1"), origin=BEGUN)
    credit = Origin(actor="users/u1", correlation_id="c-1", causation_id=created.id)
    reserved = await services.append(
        "users", users.CreditReserved(user_id="u1", order="orders/o1"), origin=credit
    )
    confirm = Origin(actor="users/u1", correlation_id="c-1", causation_id=reserved.id)
    confirmed = await services.append(
        "orders", orders.OrderConfirmed(order_id="o1"), 1, origin=confirm
    )
    await services.append("orders", orders.OrderCreated(order_id="o2"), origin=Origin())
    return created, reserved, confirmed


async def consumer(services: Services, service: str, group: str, *types: str) -> None:
    await services[service].execute(
        "INSERT INTO bridge.consumers (consumer_group, topics, types) VALUES ($1, '{}', $2)",
        group,
        types,
    )


async def traced(platform: Platform, event: Event) -> pb.TraceEventResponse:
    return await platform.events.TraceEvent(pb.TraceEventRequest(name=f"events/{event.id}"))


def outcomes(trace: pb.TraceEventResponse) -> list[tuple[str, str, int, str]]:
    name = pb.Outcome.State.Name
    return [
        (one.group, name(one.state).removeprefix("STATE_"), one.attempts, one.reason)
        for one in trace.outcomes
    ]


async def park(services: Services, table: str, event: Event, group: str, **more: Any) -> None:
    columns = {
        "consumer_group": group,
        "event_id": event.id,
        "type": event.type,
        "topic": "t",
        "partition": 0,
        "record_offset": 5,
        "headers": json.dumps([]),
        "reason": "UNKNOWN_SKU",
        "attempts": 3,
        **more,
    }
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    await services["users"].execute(
        f"INSERT INTO bridge.{table} ({', '.join(columns)}) VALUES ({places})",  # noqa: S608
        *columns.values(),
    )


async def test_a_trace_tells_who_began_it_and_what_followed_in_every_store(
    services: Services, auditor: Platform
) -> None:
    created, reserved, confirmed = await story(services)
    await services["orders"].execute(
        "INSERT INTO bridge.published (position, topic, partition, record_offset)"
        " VALUES ($1, 'causeway.orders.v1', 1, 7)",
        created.position,
    )
    trace = await traced(auditor, created)
    assert trace.event.name == f"events/{created.id}"
    assert (trace.actor, trace.client) == ("users/u1", "causeway-cli")
    assert (trace.method, trace.request_id) == (BEGUN.method, "r-1")
    assert trace.traceparent == BEGUN.traceparent
    assert (trace.event.topic, trace.event.partition, trace.event.offset) == (
        "causeway.orders.v1",
        1,
        7,
    )
    assert trace.HasField("publish_time")
    [credit] = trace.caused
    assert credit.event.name == f"events/{reserved.id}"
    assert credit.event.data.value == reserved.message.SerializeToString()
    assert trace.event.data.value == created.message.SerializeToString()
    assert credit.event.source == "/causeway/users"
    assert not credit.HasField("publish_time")
    [confirmation] = credit.caused
    assert confirmation.event.name == f"events/{confirmed.id}"
    assert not confirmation.caused
    assert not trace.truncated


async def test_of_a_family_only_the_data_of_what_is_shown_is_read(
    services: Services, auditor: Platform
) -> None:
    created = await services.append("orders", orders.OrderCreated(order_id="o1"), origin=BEGUN)
    caused = Origin(correlation_id="c-1", causation_id=created.id)
    for version in range(1, 5):
        large = orders.OrderRejected(order_id="o1", reason="x" * 800_000)
        await services.append("orders", large, version, origin=caused)
    async with services.stores.by_name("orders").connection() as connection:
        family = await event_table.family(connection, "c-1", 10)
        ids = [row["event_id"] for row in family]
        read = await event_table.contents(connection, ids, 1_000_000)
    assert [row["size"] > 800_000 for row in family] == [False, True, True, True, True]
    assert not any("data" in row.keys() for row in family)  # noqa: SIM118  (a Record has values)
    assert len(read) == 3
    trace = await traced(auditor, created)
    assert [len(one.event.data.value) > 800_000 for one in trace.caused] == [True, True]
    assert trace.truncated


async def test_each_consumer_of_the_type_has_its_outcome_wherever_it_keeps_it(
    services: Services, auditor: Platform
) -> None:
    created, *_ = await story(services)
    for group in ("done", "parked", "given-up", "waiting"):
        await consumer(services, "users", group, CREATED)
    await consumer(services, "orders", "own", CREATED)
    await consumer(services, "orders", "other", RESERVED)
    # The inbox holds what was given up as well, so that it is never handled.
    await services["users"].executemany(
        "INSERT INTO bridge.inbox (consumer_group, event_id, attempts) VALUES ($1, $2, 2)",
        [("done", created.id), ("given-up", created.id)],
    )
    await park(services, "parked", created, "parked", stack_digest="d")
    await park(services, "discarded", created, "given-up", id=9, actor="users/root",
               park_time=created.time)  # fmt: skip
    trace = await traced(auditor, created)
    assert sorted(outcomes(trace)) == [
        ("done", "HANDLED", 2, ""),
        ("given-up", "DISCARDED", 3, "UNKNOWN_SKU"),
        ("own", "PENDING", 0, ""),
        ("parked", "PARKED", 3, "UNKNOWN_SKU"),
        ("waiting", "PENDING", 0, ""),
    ]
    assert [one[0] for one in outcomes(trace.caused[0])] == ["other"]


async def test_a_group_that_is_fed_by_replays_alone_has_nothing_before_it(
    services: Services, auditor: Platform
) -> None:
    created, *_ = await story(services)
    await consumer(services, "orders", "projection", CREATED)
    await services["orders"].execute("UPDATE bridge.consumers SET live = false")
    assert outcomes(await traced(auditor, created)) == []


async def test_an_event_older_than_a_groups_memory_is_not_called_pending(
    services: Services, auditor: Platform
) -> None:
    created, *_ = await story(services)
    await consumer(services, "users", "credit", CREATED)
    await services["users"].execute(
        "UPDATE bridge.consumers SET inbox_start_time = $1", created.time + timedelta(seconds=1)
    )
    trace = await traced(auditor, created)
    assert outcomes(trace) == [("credit", "UNSPECIFIED", 0, "OLDER_THAN_THE_INBOX")]


async def test_a_replay_that_handed_the_event_over_again_is_named_beside_the_first_time(
    services: Services, auditor: Platform
) -> None:
    created, *_ = await story(services)
    await consumer(services, "users", "credit", CREATED)
    replay = str(uuid.uuid4())
    epoch = await services["users"].fetchval(
        "INSERT INTO bridge.replays (id, mode, consumer_group, origin, actor)"
        " VALUES ($1, 'redeliver', 'credit', 'kafka', 'users/root') RETURNING epoch",
        replay,
    )
    await services["users"].executemany(
        "INSERT INTO bridge.inbox (consumer_group, event_id, attempts, epoch)"
        " VALUES ('credit', $1, $2, $3)",
        [(created.id, 1, 0), (created.id, 4, epoch)],
    )
    trace = await traced(auditor, created)
    assert sorted((one.attempts, one.replay) for one in trace.outcomes) == [
        (1, ""),
        (4, f"replays/{replay}"),
    ]


async def test_mails_that_an_event_led_to_are_told_with_their_outcome(
    services: Services, auditor: Platform
) -> None:
    created, *_ = await story(services)
    await services["users"].execute(
        "INSERT INTO bridge.deliveries (id, effect, recipient, event_id, payload, state, attempts,"
        " last_error, actor, correlation_id, traceparent, end_time)"
        " VALUES ($1, 'email', 'users/u1', $2, '', 'failed', 3, 'MAILBOX_UNKNOWN', '', '', '',"
        " now())",
        uuid.uuid4(),
        created.id,
    )
    [delivery] = (await traced(auditor, created)).deliveries
    assert (delivery.effect, delivery.recipient) == ("email", "users/u1")
    assert delivery.state == pb.Delivery.STATE_FAILED
    assert (delivery.attempts, delivery.reason) == (3, "MAILBOX_UNKNOWN")


async def test_an_event_that_is_nowhere_has_no_trace(auditor: Platform) -> None:
    name = f"events/{uuid.uuid4()}"
    with pytest.raises(CallFailed) as caught:
        await auditor.events.TraceEvent(pb.TraceEventRequest(name=name))
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
