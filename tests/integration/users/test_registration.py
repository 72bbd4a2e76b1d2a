"""Registration over two systems, on a real PostgreSQL and a real Keycloak."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from bridge.errors import (
    AlreadyExists,
    CausewayError,
    FailedPrecondition,
    Unavailable,
)
from bridge.store.event_store import EventStore
from services.users import user_table
from services.users.intents import Intent, Intents
from services.users.keycloak import Keycloak
from services.users.money import NANOS
from services.users.registration import OUTCOME_UNKNOWN, Registration
from tests.integration.users.crashes import Crash
from tests.integration.users.realm import Realm
from tests.integration.users.registering import PASSWORD, Registering, again, intent, like

# A registration without a fault makes exactly these calls: their crash points are all there are.
STEPS = ("begin", "create", "grant", "finish")
POINTS = [f"{side} {step}" for step in STEPS for side in ("before", "after")]
# What the sweeper calls for what a crash left, until nothing is left: its crash points.
SWEEPS = {
    "after begin": ("due", "find", "abandon", "due", "find", "drop", "due"),
    "after create": ("due", "find", "grant", "finish", "due"),
    "after grant": ("due", "find", "grant", "finish", "due"),
    "late create": ("due", "find", "delete", "drop", "due"),
}
SWEEP_POINTS = [
    (left, f"{side} {step}")
    for left, steps in SWEEPS.items()
    for step in dict.fromkeys(steps)
    for side in ("before", "after")
]


@pytest.fixture
async def system(
    pool: asyncpg.Pool, store: EventStore, keycloak: Keycloak, keycloak_realm: Realm
) -> Registering:
    return Registering(pool, store, keycloak, keycloak_realm)


async def test_a_registration_makes_the_user_in_both_systems_and_leaves_no_intent(
    system: Registering,
) -> None:
    wanted = intent()
    user_id = await system.registration().register(wanted, PASSWORD)
    assert await system.exists(wanted)
    row = await system.pool.fetchrow("SELECT * FROM users WHERE id = $1", user_id)
    assert row is not None
    assert (row["credit_limit"], row["reserved"], row["version"]) == (500 * NANOS, 0, 1)
    assert tuple(system.trace) == STEPS
    assert await system.pool.fetchval("SELECT count(*) FROM intents") == 0


@pytest.mark.parametrize("point", POINTS)
async def test_after_a_crash_the_sweeper_finishes_or_forgets_and_the_same_request_succeeds(
    system: Registering, point: str
) -> None:
    wanted = intent()
    with pytest.raises(Crash):
        await system.registration(point).register(wanted, PASSWORD)
    await system.settled()
    assert await system.exists(wanted) == (point not in POINTS[:3])
    await system.registration().register(again(wanted), PASSWORD)
    assert await system.exists(wanted)


@pytest.mark.parametrize("point", POINTS)
async def test_after_a_crash_the_same_request_goes_on_where_it_stopped(
    system: Registering, point: str
) -> None:
    wanted = intent()
    with pytest.raises(Crash):
        await system.registration(point).register(wanted, PASSWORD)
    user_id = await system.registration().register(again(wanted), PASSWORD)
    assert await system.exists(wanted)
    assert await system.registration().register(again(wanted), PASSWORD) == user_id


async def leave(system: Registering, left: str) -> Intent:
    """Crash so that something is left; what Keycloak made late for an intent given up, too."""
    wanted = intent()
    point = "after begin" if left == "late create" else left
    with pytest.raises(Crash):
        await system.registration(point).register(wanted, PASSWORD)
    if left == "late create":
        await system.sweep()
        await system.keycloak.create(wanted, PASSWORD)
    system.trace.clear()
    return wanted


@pytest.mark.parametrize("left", SWEEPS)
async def test_the_sweeper_takes_the_listed_steps(system: Registering, left: str) -> None:
    await leave(system, left)
    await system.sweep(times=SWEEPS[left].count("due"))
    assert tuple(system.trace) == SWEEPS[left]


@pytest.mark.parametrize(("left", "point"), SWEEP_POINTS)
async def test_a_sweeper_that_dies_anywhere_is_followed_by_one_that_ends_the_work(
    system: Registering, left: str, point: str
) -> None:
    wanted = await leave(system, left)
    with pytest.raises(Crash):
        await system.sweep(point, times=len(SWEEPS[left]))
    await system.settled()
    assert await system.exists(wanted) == (left in ("after create", "after grant"))


async def test_duplicates_at_the_same_time_have_one_result(system: Registering) -> None:
    wanted = intent()
    system.intents = Intents(system.pool, system.store, NANOS)  # with leases that hold
    tries = [system.registration().register(again(wanted), PASSWORD) for _ in range(8)]
    assert len(set(await asyncio.gather(*tries))) == 1
    assert await system.exists(wanted)


@pytest.mark.parametrize("field", ["username", "email"])
async def test_of_many_who_want_one_name_one_gets_it_and_the_others_are_told(
    system: Registering, field: str
) -> None:
    system.intents = Intents(system.pool, system.store, NANOS)
    first = intent()
    wanted = [like(first, field) for _ in range(6)]
    tries = [system.registration().register(one, PASSWORD) for one in wanted]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, AlreadyExists) for result in results) == 5


@pytest.mark.parametrize("change", [str.upper, str])
async def test_a_taken_name_or_address_is_refused_whatever_its_case(
    system: Registering, change: Callable[[str], str]
) -> None:
    first = intent()
    await system.registration().register(first, PASSWORD)
    for field in ("username", "email"):
        second = like(first, field, change)
        with pytest.raises(AlreadyExists, match=field):
            await system.registration().register(second, PASSWORD)


async def test_a_keycloak_user_of_the_same_name_is_never_adopted(system: Registering) -> None:
    wanted = intent()
    stranger = system.realm.admin.create_user({"username": wanted.username, "enabled": True})
    with pytest.raises(AlreadyExists):
        await system.registration().register(wanted, PASSWORD)
    await system.settled()
    assert stranger is not None
    assert "customer" not in system.realm.roles(stranger)
    assert not await system.pool.fetch("SELECT 1 FROM users WHERE id = $1", stranger)


async def test_a_request_id_of_another_registration_is_refused_done_or_under_way(
    system: Registering,
) -> None:
    first = intent()
    with pytest.raises(Crash):
        await system.registration("after begin").register(first, PASSWORD)
    other = intent(first.repeats.request_id.upper())
    with pytest.raises(FailedPrecondition):
        await system.registration().register(other, PASSWORD)
    await system.registration().register(again(first), PASSWORD)
    with pytest.raises(FailedPrecondition):
        await system.registration().register(other, PASSWORD)


async def test_while_keycloak_is_away_nothing_is_half_done_and_a_later_try_succeeds(
    system: Registering,
) -> None:
    wanted = intent(request_id="")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        away = Keycloak(f"http://127.0.0.1:{taken.getsockname()[1]}", "any", "users", "secret")
        with pytest.raises(Unavailable) as refused:
            await Registration(system.intents, away).register(wanted, PASSWORD)
        await away.close()
    assert refused.value.retry_after > 0
    assert await system.pool.fetchval("SELECT count(*) FROM intents") == 0
    await system.registration().register(again(wanted), PASSWORD)
    assert await system.exists(wanted)


class Losing:
    """A Keycloak whose answer to one call is lost on the way."""

    def __init__(self, keycloak: Keycloak, name: str) -> None:
        self._keycloak, self._name = keycloak, name

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._keycloak, name)

        async def call(*arguments: object) -> object:
            result = await method(*arguments)
            if name == self._name:
                raise Unavailable("lost", reason=OUTCOME_UNKNOWN)
            return result

        return call


@pytest.mark.parametrize("lost", ["create", "grant"])
@pytest.mark.parametrize("request_id", [None, ""])
async def test_an_answer_that_is_lost_is_healed_by_a_retry(
    system: Registering, lost: str, request_id: str | None
) -> None:
    wanted = intent(request_id)
    losing = Losing(system.keycloak, lost)
    with pytest.raises(Unavailable):
        await Registration(system.intents, losing).register(wanted, PASSWORD)  # type: ignore[arg-type]
    retry = system.registration().register(again(wanted), PASSWORD)
    if request_id is None:
        await retry
    else:  # without a request_id it can't be told from somebody else's wish for the name
        with pytest.raises(AlreadyExists):
            await retry
    assert await system.exists(wanted)


async def test_a_repeat_that_meets_the_end_of_its_first_try_has_its_result(
    system: Registering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tests/crashpoints met it: finished between a repeat's questions, the name was "taken"."""
    wanted = intent()
    assert await system.intents.begin(wanted)
    user_id = await system.keycloak.create(wanted, PASSWORD)
    ask, finish = user_table.taken, [system.registration().settle(wanted)]

    async def taken(*arguments: Any) -> str | None:
        while finish:
            await finish.pop()
        return await ask(*arguments)

    monkeypatch.setattr(user_table, "taken", taken)
    assert await system.registration().register(again(wanted), PASSWORD) == user_id
    assert await system.exists(wanted)


async def test_a_registration_that_was_given_up_meanwhile_makes_no_user(
    system: Registering,
) -> None:
    wanted = intent()
    assert await system.intents.begin(wanted)
    user_id = await system.keycloak.create(wanted, PASSWORD)
    await system.intents.abandon(wanted)
    with pytest.raises(Unavailable):
        await system.intents.finish(wanted, user_id)
    await system.settled()
    assert not await system.exists(wanted)


async def test_the_password_is_in_no_table_and_no_error(
    system: Registering, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    wanted = intent()
    with pytest.raises(Crash):
        await system.registration("after create").register(wanted, PASSWORD)
    with pytest.raises(CausewayError) as refused:
        await system.registration().register(replace(intent(), username=wanted.username), PASSWORD)
    await system.registration().register(again(wanted), PASSWORD)
    texts = [str(refused.value), repr(refused.value.__dict__), caplog.text]
    tables = await system.pool.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
        " WHERE schemaname IN ('public', 'bridge') AND tablename NOT LIKE '%pogo%'"
    )
    for table in tables:
        rows = await system.pool.fetch(f"SELECT t::text AS row FROM {table['name']} t")  # noqa: S608
        texts += [row["row"] for row in rows]
    for text in texts:
        assert PASSWORD not in text
        assert PASSWORD.encode().hex() not in text
