"""Changes of a user in both systems, on a real PostgreSQL and a real Keycloak."""

import asyncio
import socket
import uuid
from dataclasses import replace

import pytest
from keycloak.exceptions import KeycloakPostError

from bridge.errors import AlreadyExists, FailedPrecondition, StaleVersion, Unavailable
from services.users.identity_change import Kind
from services.users.identity_changes import IdentityChanges
from services.users.identity_work import IdentityWork
from services.users.keycloak import Keycloak
from tests.integration.users.changing import Losing, System, again
from tests.integration.users.crashes import Crash
from tests.integration.users.registering import NOW, PASSWORD

STEPS = {
    Kind.UPDATE: ("begin", "set_email", "deactivating", "finish"),
    Kind.DEACTIVATE: ("begin", "updating", "disable", "finish"),
}
POINTS = [
    (kind, f"{side} {step}")
    for kind, steps in STEPS.items()
    for step in steps
    for side in ("before", "after")
]
"""A change without a fault makes exactly these calls: their crash points are all there are."""


@pytest.mark.parametrize("kind", Kind)
async def test_a_change_is_made_in_both_systems_by_the_listed_steps(
    system: System, kind: Kind
) -> None:
    wish = system.wish(kind)
    await system.work().carry_out(wish)
    assert await system.made(wish)
    assert tuple(system.trace) == STEPS[kind]
    assert await system.pool.fetchval("SELECT count(*) FROM identity_changes") == 0


@pytest.mark.parametrize(("kind", "point"), POINTS)
async def test_after_a_crash_the_sweeper_finishes_or_nothing_is_done_and_the_same_request_succeeds(
    system: System, kind: Kind, point: str
) -> None:
    wish = system.wish(kind)
    with pytest.raises(Crash):
        await system.work(point).carry_out(wish)
    await system.sweep()
    assert await system.made(wish) == (point != "before begin")
    await system.work().carry_out(again(wish))
    assert await system.made(wish)


@pytest.mark.parametrize(("kind", "point"), POINTS)
async def test_after_a_crash_the_same_request_goes_on_where_it_stopped(
    system: System, kind: Kind, point: str
) -> None:
    wish = system.wish(kind)
    with pytest.raises(Crash):
        await system.work(point).carry_out(wish)
    user = await system.work().carry_out(again(wish))
    assert await system.work().carry_out(again(wish)) == user
    assert await system.made(wish)


async def test_whoever_is_deactivated_is_refused_login_and_refresh_at_once(system: System) -> None:
    refresh_token = system.realm.refresh_token(system.username, PASSWORD)
    assert system.realm.refresh(refresh_token)
    await system.work().carry_out(system.wish(Kind.DEACTIVATE))
    with pytest.raises(KeycloakPostError, match="Account disabled"):
        system.realm.token(system.username, PASSWORD)
    with pytest.raises(KeycloakPostError):
        system.realm.refresh(refresh_token)
    assert system.realm.admin.get_sessions(system.id) == []
    # Again, by anybody: it is so already.
    user = await system.work().carry_out(system.wish(Kind.DEACTIVATE, caller="another"))
    assert (user.active, user.version) == (False, 2)
    with pytest.raises(FailedPrecondition, match="deactivated"):
        await system.work().carry_out(system.wish())


async def test_a_user_who_changed_its_address_logs_in_as_before(system: System) -> None:
    await system.work().carry_out(system.wish())
    assert system.realm.token(system.username, PASSWORD)


async def test_duplicates_at_the_same_time_have_one_result(system: System) -> None:
    wish = system.wish()
    system.steps = IdentityChanges(system.pool, system.store)  # with leases that hold
    users = await asyncio.gather(*(system.work().carry_out(again(wish)) for _ in range(6)))
    assert {user.version for user in users} == {2}
    assert await system.made(wish)


@pytest.mark.parametrize("change", [str, str.upper])
async def test_an_address_of_another_user_is_refused_whatever_its_case(
    system: System, change: type[str]
) -> None:
    other = System(system.pool, system.store, system.keycloak, system.realm)
    await other.register()
    wish = system.wish(email=change((await other.user()).email))
    with pytest.raises(AlreadyExists) as refused:
        await system.work().carry_out(wish)
    assert refused.value.metadata == {"field": "email"}
    assert not await system.made(wish)


async def test_an_address_that_keycloak_alone_has_given_away_is_refused_and_leaves_nothing(
    system: System,
) -> None:
    email = f"{uuid.uuid4().hex[:8]}@example.org"
    system.realm.admin.create_user({"username": f"k{email[:8]}", "email": email})
    wish = system.wish(email=email)
    with pytest.raises(AlreadyExists) as refused:
        await system.work().carry_out(wish)
    assert refused.value.metadata == {"field": "email"}
    assert not await system.made(wish)
    assert await system.pool.fetchval("SELECT count(*) FROM identity_changes") == 0


async def test_a_stale_etag_and_a_request_id_of_another_wish_change_nothing(
    system: System,
) -> None:
    with pytest.raises(StaleVersion):
        await system.work().carry_out(replace(system.wish(), etag="7"))
    wish = system.wish()
    with pytest.raises(Crash):
        await system.work("after begin").carry_out(wish)
    other = replace(again(wish), repeats=replace(wish.repeats, body=b"other"))
    with pytest.raises(FailedPrecondition):
        await system.work().carry_out(other)
    await system.work().carry_out(again(wish))
    with pytest.raises(FailedPrecondition):
        await system.work().carry_out(other)
    assert await system.made(wish)


@pytest.mark.parametrize("kind", Kind)
async def test_while_keycloak_is_away_nothing_is_half_done_and_a_later_try_succeeds(
    system: System, kind: Kind
) -> None:
    wish = system.wish(kind)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        away = Keycloak(f"http://127.0.0.1:{taken.getsockname()[1]}", "any", "users", "secret")
        with pytest.raises(Unavailable) as refused:
            await IdentityWork(system.steps, away).carry_out(wish)
        await away.close()
    assert refused.value.retry_after > 0
    assert await system.pool.fetchval("SELECT count(*) FROM identity_changes") == 0
    assert not await system.made(wish)
    await system.work().carry_out(again(wish))
    assert await system.made(wish)


@pytest.mark.parametrize("kind", Kind)
async def test_an_answer_that_is_lost_is_healed_by_a_retry_also_without_a_request_id(
    system: System, kind: Kind
) -> None:
    wish = system.wish(kind)
    wish = replace(wish, repeats=replace(wish.repeats, request_id=""))
    with pytest.raises(Unavailable):
        await IdentityWork(system.steps, Losing(system.keycloak)).carry_out(wish)
    await system.work().carry_out(again(wish))
    assert await system.made(wish)


async def test_another_address_waits_until_no_request_for_an_earlier_one_can_come_late(
    system: System,
) -> None:
    system.steps = IdentityChanges(system.pool, system.store, lease=NOW)  # settles in 30 s
    first, second = system.wish(), system.wish()
    second = replace(second, repeats=replace(second.repeats, body=b"second"))
    with pytest.raises(Unavailable):
        await IdentityWork(system.steps, Losing(system.keycloak)).carry_out(first)
    for _ in range(2):  # under way, then done
        with pytest.raises(Unavailable) as busy:
            await system.work(patience=0.2).carry_out(second)
        assert busy.value.reason == "USER_BUSY"
        await system.work().carry_out(again(first))
    renamed = replace(system.wish(), email=None, display_name="Ann B.")
    assert (await system.work().carry_out(renamed)).display_name == "Ann B."
    await system.pool.execute("UPDATE identity_changes SET settle_after = now()")
    assert (await system.work().carry_out(second)).email == second.email
