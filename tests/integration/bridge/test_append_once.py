"""Group commit of calls that may be repeats: each request_id once, whoever comes with it."""

import asyncio
import json
import uuid
from collections.abc import Sequence

import asyncpg
import pytest

from bridge.errors import FailedPrecondition, StaleVersion
from bridge.events.event import Event, Origin
from bridge.store.append_group import Shown
from bridge.store.draft import Draft
from bridge.store.group_commit import GroupCommit
from bridge.store.repeats import Repeats
from tests.integration.bridge.parts import Parts, append, confirmed

METHOD = "/causeway.orders.v1.OrderService/CreateOrder"


def call(request_id: str = "", body: bytes = b"one", caller: str = "u1") -> Repeats:
    return Repeats(caller, METHOD, request_id or str(uuid.uuid4()), body)


@pytest.fixture
def group(parts: Parts, pool: asyncpg.Pool) -> GroupCommit:
    return GroupCommit(pool, parts.store)


async def once(group: GroupCommit, key: str, repeats: Repeats, at: int = 0) -> list[Event] | None:
    draft = group._store.draft(f"orders/{key}", at, [confirmed(key)], Origin())
    [outcome] = await group.append_all([(draft, repeats)])
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


async def test_of_those_that_come_at_once_with_one_request_id_one_is_written(
    connection: asyncpg.Connection, group: GroupCommit
) -> None:
    spellings = [str(uuid.uuid4())] * 3
    spellings.append(spellings[0].upper())
    outcomes = await asyncio.gather(
        *(once(group, f"o{n}", call(name)) for n, name in enumerate(spellings)),
        *(once(group, f"other{n}", call()) for n in range(4)),
    )
    [[written]] = [events for events in outcomes[:4] if events is not None]
    assert None not in outcomes[4:]
    assert await call(spellings[0]).earlier(connection) == written.stream
    assert await connection.fetchval("SELECT count(*) FROM bridge.events") == 5


async def test_a_request_id_with_another_body_writes_nothing_and_is_told_apart(
    connection: asyncpg.Connection, group: GroupCommit
) -> None:
    first = call()
    assert await once(group, "o1", first)
    other = call(first.request_id, b"two")
    assert await once(group, "o2", other) is None
    with pytest.raises(FailedPrecondition, match="used before"):
        await other.earlier(connection)
    # Another caller's id is another id.
    assert await once(group, "o3", call(first.request_id, caller="u2"))


async def test_calls_without_a_request_id_are_each_their_own(group: GroupCommit) -> None:
    calls = (once(group, key, Repeats("u1", METHOD, "", b"one")) for key in ("a", "b"))
    assert None not in await asyncio.gather(*calls)


async def test_a_stale_append_leaves_its_request_id_free_and_the_others_alone(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    await append(parts, connection, "old", 0)
    repeats = call()
    stale, other = await asyncio.gather(
        once(group, "old", repeats), once(group, "new", call()), return_exceptions=True
    )
    assert isinstance(stale, StaleVersion)
    assert isinstance(other, list)
    assert await once(group, "old", repeats, at=1)


@pytest.mark.parametrize("committed", [True, False])
async def test_a_request_that_another_process_works_on_is_waited_for(
    connection: asyncpg.Connection, group: GroupCommit, committed: bool
) -> None:
    repeats = call()
    transaction = connection.transaction()
    await transaction.start()
    assert await repeats.claim(connection) is None
    await repeats.settle(connection, "orders/theirs")
    waiting = asyncio.create_task(once(group, "ours", repeats))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await (transaction.commit() if committed else transaction.rollback())
    assert (await waiting is None) is committed
    stands = "orders/theirs" if committed else "orders/ours"
    assert await repeats.earlier(connection) == stands


async def test_processes_with_the_same_requests_never_wait_for_each_other(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    groups = [GroupCommit(pool, parts.store) for _ in range(3)]
    names = [str(uuid.uuid4()) for _ in range(30)]
    orders = (names, names[::-1], sorted(names))
    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(
            *(
                once(group, uuid.uuid4().hex, call(name))
                for group, order in zip(groups, orders, strict=True)
                for name in order
            )
        )
    assert sum(events is not None for events in outcomes) == len(names)
    assert await connection.fetchval("SELECT count(*) FROM bridge.requests") == len(names)


SHOWN = """
INSERT INTO bridge.inbox (consumer_group, event_id, attempts)
SELECT new.stream, new.event_id, new.attempts
FROM json_to_recordset($23::json) AS new (stream text, event_id uuid, attempts integer)
WHERE new.stream IN (SELECT stream FROM beginning)
"""


def rows(drafts: Sequence[Draft]) -> str:
    """One row a draft; of one that is called bad, none that the table takes."""
    return json.dumps(
        [
            {
                "stream": draft.stream,
                "event_id": draft.entries[0].event_id,
                "attempts": None if draft.stream == "orders/bad" else 1,
            }
            for draft in drafts
        ]
    )


async def test_a_read_model_shows_what_was_written_and_in_its_transaction(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    group, taken = GroupCommit(pool, parts.store, shown=Shown(SHOWN, rows)), call()
    await once(group, "first", taken)
    await asyncio.gather(*(once(group, f"o{n}", call()) for n in range(8)), once(group, "x", taken))
    shown = await connection.fetch(
        "SELECT consumer_group AS stream FROM bridge.inbox"
        " JOIN bridge.events AS event USING (event_id) WHERE event.xmin = inbox.xmin ORDER BY 1"
    )
    assert [row["stream"] for row in shown] == ["orders/first", *(f"orders/o{n}" for n in range(8))]


async def test_a_read_model_that_fails_for_one_fails_that_one_alone(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    group, repeats = GroupCommit(pool, parts.store, shown=Shown(SHOWN, rows)), call()
    outcomes = await asyncio.gather(
        *(once(group, key, call()) for key in ("a", "b")),
        once(group, "bad", repeats),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [list, list, asyncpg.NotNullViolationError]
    assert await connection.fetchval("SELECT count(*) FROM bridge.events") == 2
    assert await connection.fetchval("SELECT count(*) FROM bridge.inbox") == 2
    assert await repeats.claim(connection) is None, "nothing of it stayed"


async def test_a_stale_append_without_a_request_id_leaves_those_with_one_alone(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    await append(parts, connection, "old", 0)
    stale, *others = await asyncio.gather(
        once(group, "old", Repeats("u1", METHOD, "", b"one")),
        *(once(group, f"o{n}", call()) for n in range(3)),
        return_exceptions=True,
    )
    assert isinstance(stale, StaleVersion)
    assert [type(other) for other in others] == [list] * 3
    assert await connection.fetchval("SELECT count(DISTINCT xmin::text) FROM bridge.events") == 2


async def test_a_read_model_that_can_not_be_made_for_one_fails_that_one_alone(
    parts: Parts, pool: asyncpg.Pool
) -> None:
    def made(drafts: Sequence[Draft]) -> str:
        if any(draft.stream == "orders/bad" for draft in drafts):
            raise ArithmeticError("no row for it")
        return rows(drafts)

    group = GroupCommit(pool, parts.store, shown=Shown(SHOWN, made))
    outcomes = await asyncio.gather(
        *(once(group, key, call()) for key in ("a", "bad", "b")), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [list, ArithmeticError, list]
