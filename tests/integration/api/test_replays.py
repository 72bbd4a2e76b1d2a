"""Replays over all stores: planned, asked for once, shown and cancelled."""

import uuid
from typing import Any
from unittest.mock import AsyncMock

import asyncpg
import grpc
import pytest

from bridge.api import replays
from bridge.errors import Unavailable
from causeway.bridge.v1 import operations_service_pb2 as pb
from causeway.orders.v1 import events_pb2 as orders
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.api.services import Services
from tests.integration.service_kit import As

CREDIT = "causeway.users.credit"
CREATED = "causeway.orders.v1.OrderCreated"
CONFIRMED = "causeway.orders.v1.OrderConfirmed"


async def registered(services: Services) -> None:
    """A group of Users that handles events of Orders, of which there are three, two on Kafka."""
    await services["users"].execute(
        "INSERT INTO bridge.consumers (consumer_group, topics, types, effects)"
        " VALUES ($1, '{causeway.orders.v1}', $2, '{email}')",
        CREDIT,
        [CREATED, CONFIRMED],
    )
    for number in range(3):
        event = await services.append("orders", orders.OrderCreated(order_id=f"o{number}"))
        if number < 2:
            await services["orders"].execute(
                "INSERT INTO bridge.published (position, topic, partition, record_offset)"
                " VALUES ($1, 'causeway.orders.v1', 0, $1)",
                event.position,
            )
            await services["orders"].execute(
                "DELETE FROM bridge.outbox WHERE position = $1", event.position
            )


def wanted(**changes: Any) -> pb.Replay:
    fields = {"mode": pb.Replay.MODE_REDELIVER, "group": CREDIT, "types": [CREATED], **changes}
    return pb.Replay(**fields)


async def started(platform: Platform, request_id: str = "", **changes: Any) -> pb.Replay:
    request = pb.ReplayEventsRequest(replay=wanted(**changes), request_id=request_id)
    return await platform.operations.ReplayEvents(request)


async def rows(services: Services) -> int:
    count: int = await services["users"].fetchval("SELECT count(*) FROM bridge.replays")
    return count


async def test_a_dry_run_counts_what_would_be_handled_and_writes_nothing(
    services: Services, admin: Platform
) -> None:
    await registered(services)
    answer = await admin.operations.ReplayEvents(
        pb.ReplayEventsRequest(replay=wanted(), dry_run=True)
    )
    assert answer.events_total == 2
    assert answer.origin == pb.Replay.ORIGIN_KAFKA
    assert (answer.name, answer.state) == ("", pb.Replay.STATE_UNSPECIFIED)
    assert await rows(services) == 0


async def test_a_replay_is_written_where_its_worker_looks_and_wakes_it(
    services: Services, call_as: As
) -> None:
    await registered(services)
    heard: list[object] = []
    await services["users"].add_listener("bridge_replays", lambda *said: heard.append(said))
    replay = await started(call_as("admin", sub="rita"), subject="orders/o1", effects=["email"])
    assert replay.state == pb.Replay.STATE_PENDING
    assert (replay.actor, replay.events_total) == ("users/rita", 1)
    row = await services["users"].fetchrow("SELECT * FROM bridge.replays")
    assert f"replays/{row['id']}" == replay.name
    assert (row["mode"], row["consumer_group"], row["origin"]) == ("redeliver", CREDIT, "kafka")
    assert (row["subject"], row["types"], row["effects"]) == ("orders/o1", [CREATED], ["email"])
    assert (row["start_position"], row["end_position"]) == (None, None)
    assert heard
    assert (
        await call_as("admin").operations.GetReplay(pb.GetReplayRequest(name=replay.name)) == replay
    )


async def test_the_same_request_again_is_the_same_replay_and_another_body_is_refused(
    services: Services, admin: Platform
) -> None:
    await registered(services)
    request_id = str(uuid.uuid4())
    first = await started(admin, request_id)
    assert (await started(admin, request_id)).name == first.name
    assert (await started(admin)).name != first.name
    assert await rows(services) == 2
    with pytest.raises(CallFailed) as caught:
        await started(admin, request_id, subject="orders/o1")
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert await rows(services) == 2


async def test_a_repeat_after_a_crash_between_the_two_databases_meets_its_own_row(
    services: Services, admin: Platform
) -> None:
    await registered(services)
    request_id = str(uuid.uuid4())
    first = await started(admin, request_id)
    # As if the claim had never been committed.
    await services["bridge"].execute("DELETE FROM bridge.requests")
    assert (await started(admin, request_id)).name == first.name
    assert await rows(services) == 1


async def test_a_store_too_large_to_count_is_replayed_all_the_same(
    services: Services, admin: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registered(services)
    monkeypatch.setattr(replays, "GLANCE_SECONDS", 0.3)
    monkeypatch.setattr(replays, "COUNT_SECONDS", 0.3)
    monkeypatch.setattr(replays, "count", count_for_minutes)
    replay = await started(admin)
    request = pb.ReplayEventsRequest(replay=wanted(), dry_run=True)
    with pytest.raises(CallFailed) as caught:
        await admin.operations.ReplayEvents(request)
    assert (replay.state, replay.events_total) == (pb.Replay.STATE_PENDING, 0)
    assert caught.value.reason == "COUNT_TOO_LONG"


async def count_for_minutes(connection: asyncpg.Connection, _planned: object) -> None:
    await connection.execute("SELECT pg_sleep(120)")


async def test_a_replay_from_kafka_needs_its_owners_store_alone(
    services: Services, admin: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registered(services)
    away = AsyncMock(side_effect=Unavailable("the store orders does not answer"))
    monkeypatch.setattr(replays, "count", away)
    assert (await started(admin)).state == pb.Replay.STATE_PENDING
    assert away.called


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"group": "causeway.users.stock"}, "UNKNOWN_GROUP"),
        ({"group": "stock"}, "UNKNOWN_GROUP"),
        ({"types": ["nothing.such"]}, "UNKNOWN_TYPE"),
        ({"effects": ["letter"]}, "UNKNOWN_EFFECT"),
        ({"types": []}, "NOTHING_CHOSEN"),
        ({"mode": pb.Replay.MODE_REBUILD, "types": []}, "NOT_A_PROJECTION"),
    ],
)
async def test_what_the_group_does_not_allow_is_refused_also_dry(
    services: Services, admin: Platform, changes: dict[str, Any], reason: str
) -> None:
    await registered(services)
    for dry in (True, False):
        request = pb.ReplayEventsRequest(replay=wanted(**changes), dry_run=dry)
        with pytest.raises(CallFailed) as caught:
            await admin.operations.ReplayEvents(request)
        assert caught.value.reason == reason
    assert await rows(services) == 0


async def test_an_unknown_group_is_refused_with_those_that_there_are(
    services: Services, admin: Platform
) -> None:
    await registered(services)
    with pytest.raises(CallFailed) as caught:
        await started(admin, group="credit")
    assert CREDIT in caught.value.message


async def test_replays_of_all_stores_are_listed_newest_first(
    services: Services, admin: Platform
) -> None:
    await registered(services)
    made = [
        await services[service].fetchval(
            "INSERT INTO bridge.replays (id, mode, consumer_group, origin, actor)"
            " VALUES ($1, 'backfill', 'g', 'store', '') RETURNING id::text",
            uuid.uuid4(),
        )
        for service in ("users", "orders", "users", "orders", "users")
    ]
    token, found = "", []
    while True:
        page = await admin.operations.ListReplays(
            pb.ListReplaysRequest(page_size=2, page_token=token)
        )
        found += [replay.name for replay in page.replays]
        token = page.next_page_token
        if not token:
            break
    assert found == [f"replays/{one}" for one in reversed(made)]


async def test_a_replay_is_asked_to_stop_once_and_one_that_has_ended_is_not(
    services: Services, admin: Platform
) -> None:
    await registered(services)
    replay = await started(admin)
    request_id = str(uuid.uuid4())
    request = pb.CancelReplayRequest(name=replay.name, request_id=request_id)
    assert (await admin.operations.CancelReplay(request)).state == pb.Replay.STATE_PENDING
    assert await services["users"].fetchval("SELECT cancel_requested FROM bridge.replays")
    await services["users"].execute("UPDATE bridge.replays SET state = 'succeeded'")
    # The same request again: what it asked for is done, and how it ended is the answer.
    assert (await admin.operations.CancelReplay(request)).state == pb.Replay.STATE_SUCCEEDED
    with pytest.raises(CallFailed) as caught:
        await admin.operations.CancelReplay(pb.CancelReplayRequest(name=replay.name))
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    await services["users"].execute("UPDATE bridge.replays SET state = 'cancelled'")
    again = pb.CancelReplayRequest(name=replay.name)
    assert (await admin.operations.CancelReplay(again)).state == pb.Replay.STATE_CANCELLED


async def test_a_replay_that_is_nowhere_is_not_found(admin: Platform) -> None:
    name = f"replays/{uuid.uuid4()}"
    for call in (
        admin.operations.GetReplay(pb.GetReplayRequest(name=name)),
        admin.operations.CancelReplay(pb.CancelReplayRequest(name=name)),
        admin.operations.GetReplay(pb.GetReplayRequest(name="replays/x")),
    ):
        with pytest.raises(CallFailed) as caught:
            await call
        assert caught.value.code is grpc.StatusCode.NOT_FOUND
