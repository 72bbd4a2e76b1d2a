"""Backfills and redeliveries on real PostgreSQL and Kafka."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import asyncpg
import pytest

from bridge.consumer.consumer import Consumer
from bridge.effects.deliveries import Delivery, Result
from bridge.effects.sender import Pace, Sender
from bridge.errors import FailedPrecondition, Unavailable
from bridge.events.event import Origin
from bridge.handling import Handling
from bridge.kafka.span import committed
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.delivering import (
    TOLD,
    TOTAL,
    handle_live,
    mails,
    tell,
    telling,
    told,
    whole,
)
from tests.integration.bridge.parts import (
    Parts,
    append_many,
    confirmed,
    outbox_is_empty,
    relaying,
    running,
    until,
)
from tests.integration.bridge.replaying import (
    MANY,
    ask,
    ended,
    group_of,
    make_tables,
    replaying,
)

FAST = Pace(poll=0.05, first_pause=0.05)


@pytest.fixture(autouse=True)
async def _tables(parts: Parts) -> None:
    await make_tables(parts, TOLD)


async def test_a_backfill_handles_what_its_group_has_not_once_and_in_order_per_key(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, MANY)
    await handle_live(parts, pool, connection, "version <= 4")
    async with replaying(parts, pool, telling(parts)):
        row = await ended(connection, await ask(connection, "backfill", group_of(parts)))
        assert (row["state"], row["error"]) == ("succeeded", "")
        assert row["events_done"] == row["events_total"] == TOTAL
        again = await ended(connection, await ask(connection, "backfill", group_of(parts)))
        assert again["state"] == "succeeded"
    assert await told(connection) == whole()
    # The mails of the live group alone: none was asked for.
    assert sum((await mails(connection)).values()) == 4 * len(MANY)


async def test_what_a_backfill_has_handled_is_not_handled_by_the_live_group(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, MANY)
    async with replaying(parts, pool, telling(parts)):
        await ended(connection, await ask(connection, "backfill", group_of(parts)))
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    live = Consumer(telling(parts), catalog=parts.catalog, pool=pool, kafka=parts.kafka)
    async with running(live.run):

        async def caught_up() -> bool:
            return sum((await committed(parts.kafka, group_of(parts))).values()) == TOTAL

        await until(caught_up)
    assert await told(connection) == whole()


async def test_a_backfill_reads_from_kafka_as_well_while_its_group_is_at_work(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, MANY)
    live = Consumer(telling(parts), catalog=parts.catalog, pool=pool, kafka=parts.kafka)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
        async with running(live.run), replaying(parts, pool, telling(parts)):
            replay_id = await ask(connection, "backfill", group_of(parts), origin="kafka")
            row = await ended(connection, replay_id)
            assert (row["state"], row["events_done"]) == ("succeeded", TOTAL)

            async def caught_up() -> bool:
                return sum((await committed(parts.kafka, group_of(parts))).values()) == TOTAL

            await until(caught_up)
    found = await told(connection)
    assert {stream: sorted(versions) for stream, versions in found.items()} == whole()


async def test_a_backfill_may_publish_and_ends_where_the_store_ended(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def follow(handling: Handling) -> None:
        key = f"next-{handling.event.key}"
        await parts.store.append(
            handling.connection, f"orders/{key}", 0, [confirmed(key)], handling.origin
        )

    await append_many(parts, connection, {"o1": 1, "o2": 1})
    subscription = telling(parts, handlers={orders.OrderConfirmed: follow})
    async with replaying(parts, pool, subscription):
        row = await ended(connection, await ask(connection, "backfill", group_of(parts)))
    assert (row["state"], row["events_done"]) == ("succeeded", 2)
    [first] = await parts.store.load(connection, "orders/o1")
    [caused] = await parts.store.load(connection, "orders/next-o1")
    assert caused.origin.causation_id == first.id
    assert not await parts.store.load(connection, "orders/next-next-o1")


async def test_a_redelivery_handles_chosen_events_again_and_once(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, MANY)
    await handle_live(parts, pool, connection, "true")
    async with replaying(parts, pool, telling(parts)):
        replay_id = await ask(connection, "redeliver", group_of(parts), subject="orders/o7")
        row = await ended(connection, replay_id)
    assert (row["state"], row["events_done"]) == ("succeeded", 12)
    assert await told(connection) == whole() | {"orders/o7": whole(2)["orders/o7"]}
    epochs = await connection.fetch(
        "SELECT epoch, count(*) AS events FROM bridge.inbox GROUP BY epoch ORDER BY epoch"
    )
    assert [tuple(one) for one in epochs] == [(0, TOTAL), (row["epoch"], 12)]


@pytest.mark.parametrize("origin", ["store", "kafka"])
async def test_events_are_chosen_by_time_stream_and_type(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool, origin: str
) -> None:
    await append_many(parts, connection, {"o1": 6, "o2": 6})
    shipped = orders.OrderShipped(order_id="o1")
    await parts.store.append(connection, "orders/o1", 6, [shipped], Origin())
    if origin == "kafka":
        async with relaying(parts):
            await until(lambda: outbox_is_empty(connection))
    times = [
        row["time"]
        for row in await connection.fetch(
            "SELECT time FROM bridge.events WHERE stream = 'orders/o1' ORDER BY version"
        )
    ]
    subscription = telling(parts, handlers={orders.OrderConfirmed: tell, orders.OrderShipped: tell})
    columns = {"origin": origin, "subject": "orders/o1"}
    async with replaying(parts, pool, subscription):
        between = {"start_time": times[2], "end_time": times[5]}
        replay_id = await ask(connection, "redeliver", group_of(parts), **columns, **between)
        assert (await ended(connection, replay_id))["state"] == "succeeded"
        assert await told(connection) == {"orders/o1": [3, 4, 5]}
        kind = {"types": ["causeway.orders.v1.OrderShipped"]}
        await ended(
            connection, await ask(connection, "redeliver", group_of(parts), **columns, **kind)
        )
    assert await told(connection) == {"orders/o1": [3, 4, 5, 7]}


async def test_positions_choose_from_and_up_to_and_with(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, {"o1": 9})
    async with replaying(parts, pool, telling(parts)):
        replay_id = await ask(
            connection, "redeliver", group_of(parts), start_position=3, end_position=5
        )
        assert (await ended(connection, replay_id))["events_done"] == 3
    assert await told(connection) == {"orders/o1": [3, 4, 5]}


@dataclass
class Mailbox:
    """A mail server that counts."""

    sent: list[str] = field(default_factory=list)

    async def deliver(self, delivery: Delivery) -> None:
        self.sent.append(delivery.event_id)

    async def outcome(self, _: Delivery, result: Result, connection: asyncpg.Connection) -> None:
        assert result.sent


async def test_mails_go_again_only_when_they_were_asked_for_by_name(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, {"o1": 2})
    ids = [event.id for event in await parts.store.load(connection, "orders/o1")]
    await handle_live(parts, pool, connection, "true")
    box = Mailbox()

    async def all_sent() -> bool:
        sql = "SELECT count(*) FROM bridge.deliveries WHERE state = 'pending'"
        return not await connection.fetchval(sql)

    sender = Sender(pool, {"email": box.deliver}, box.outcome, FAST)
    async with running(sender.run), replaying(parts, pool, telling(parts)):
        await until(all_sent)
        assert sorted(box.sent) == sorted(ids)
        choice = {"subject": "orders/o1", "end_position": 1}
        await ended(connection, await ask(connection, "redeliver", group_of(parts), **choice))
        await until(all_sent)
        assert len(box.sent) == 2
        choice = choice | {"effects": ["email"]}
        await ended(connection, await ask(connection, "redeliver", group_of(parts), **choice))
        await until(all_sent)
    assert Counter(box.sent) == {ids[0]: 2, ids[1]: 1}


async def test_two_workers_work_on_a_replay_once(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, MANY)
    choice = {"types": ["causeway.orders.v1.OrderConfirmed"]}
    async with replaying(parts, pool, telling(parts)), replaying(parts, pool, telling(parts)):
        first = await ask(connection, "redeliver", group_of(parts), **choice)
        second = await ask(connection, "redeliver", group_of(parts), **choice)
        for replay_id in (first, second):
            assert (await ended(connection, replay_id))["events_done"] == TOTAL
    # One after the other: the second one's events come after all of the first one's.
    assert await told(connection) == whole(2)


async def test_a_replay_survives_the_loss_of_its_connection(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def slow(handling: Handling) -> None:
        await tell(handling)
        await asyncio.sleep(0.01)

    await append_many(parts, connection, MANY)
    admin = await asyncpg.connect(parts.superuser)
    async with replaying(parts, pool, telling(parts, handlers={orders.OrderConfirmed: slow})):
        replay_id = await ask(connection, "backfill", group_of(parts))

        async def holders() -> list[int]:
            rows = await admin.fetch(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND database"
                " = (SELECT oid FROM pg_database WHERE datname = current_database())"
                " AND mode = 'ExclusiveLock'"
            )
            return [row["pid"] for row in rows]

        async def is_held() -> bool:
            return bool(await holders())

        await until(is_held)
        await asyncio.sleep(0.5)
        for pid in await holders():
            await admin.execute("SELECT pg_terminate_backend($1)", pid)
        row = await ended(connection, replay_id, 60)
    await admin.close()
    assert (row["state"], row["events_done"]) == ("succeeded", TOTAL)
    assert await told(connection) == whole()


async def test_an_event_that_fails_is_named_and_all_before_it_are_done(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def moody(handling: Handling) -> None:
        if handling.event.position == 40:
            raise FailedPrecondition("no", reason="NOT_TODAY")
        await tell(handling)

    await append_many(parts, connection, {"o1": 60})
    async with replaying(parts, pool, telling(parts, handlers={orders.OrderConfirmed: moody})):
        row = await ended(connection, await ask(connection, "backfill", group_of(parts)))
    assert (row["state"], row["events_done"]) == ("failed", 39)
    assert row["error"].startswith("NOT_TODAY: event ")
    assert "position 40" in row["error"]
    assert await told(connection) == {"orders/o1": list(range(1, 40))}
    # Asked for again when it is mended, a backfill passes over what is done.
    async with replaying(parts, pool, telling(parts)):
        row = await ended(connection, await ask(connection, "backfill", group_of(parts)))
    assert row["state"] == "succeeded"
    assert await told(connection) == {"orders/o1": list(range(1, 61))}


async def test_what_may_be_handled_later_is_tried_for_a_moment(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    tries = 0

    async def unsure(handling: Handling) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Unavailable("not yet")
        await tell(handling)

    await append_many(parts, connection, {"o1": 3})
    async with replaying(parts, pool, telling(parts, handlers={orders.OrderConfirmed: unsure})):
        row = await ended(connection, await ask(connection, "backfill", group_of(parts)))
    assert row["state"] == "succeeded"
    assert await told(connection) == {"orders/o1": [1, 2, 3]}


PARK = """
INSERT INTO bridge.parked (
    consumer_group, key, event_id, type, topic, partition, record_offset, headers, reason, attempts,
    stack_digest
) SELECT $1, 'o1', event_id, type, 't', 0, position, '[]', 'NOT_TODAY', 1, '' FROM bridge.events
WHERE position = $2
"""


@pytest.mark.parametrize("mode", ["backfill", "redeliver"])
async def test_a_parked_event_keeps_its_turn(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool, mode: str
) -> None:
    await append_many(parts, connection, {"o1": 5})
    await connection.execute(PARK, group_of(parts), 3)
    types = ["causeway.orders.v1.OrderConfirmed"]
    async with replaying(parts, pool, telling(parts)):
        row = await ended(connection, await ask(connection, mode, group_of(parts), types=types))
    assert row["state"] == "failed"
    assert row["error"].startswith("EVENT_PARKED: event ")
    assert await told(connection) == {"orders/o1": [1, 2]}


DISCARD = """
INSERT INTO bridge.discarded (
    id, consumer_group, key, event_id, type, topic, partition, record_offset, headers, reason,
    attempts, park_time, actor
) SELECT 1, $1, 'o1', event_id, type, 't', 0, 0, '[]', 'NOT_TODAY', 1, now(), 'users/root'
FROM bridge.events WHERE position = $2
"""


async def test_a_backfill_passes_over_what_was_given_up_and_a_redelivery_does_not(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, {"o1": 3})
    await connection.execute(DISCARD, group_of(parts), 2)
    async with replaying(parts, pool, telling(parts)):
        row = await ended(connection, await ask(connection, "backfill", group_of(parts)))
        assert row["state"] == "succeeded"
        assert await told(connection) == {"orders/o1": [1, 3]}
        choice = {"start_position": 2, "end_position": 2}
        await ended(connection, await ask(connection, "redeliver", group_of(parts), **choice))
    assert await told(connection) == {"orders/o1": [1, 3, 2]}


async def test_a_replayed_event_is_handled_in_the_trace_of_the_request_that_wrote_it(
    parts: Parts,
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
) -> None:
    seen: list[str] = []

    async def look(handling: Handling) -> None:
        seen.append(handling.origin.traceparent)

    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    origin = Origin(traceparent=traceparent)
    await parts.store.append(connection, "orders/o1", 0, [confirmed("o1")], origin)
    async with replaying(parts, pool, telling(parts, handlers={orders.OrderConfirmed: look})):
        await ended(connection, await ask(connection, "backfill", group_of(parts)))
    assert [one.split("-")[1] for one in seen] == [traceparent.split("-")[1]]
