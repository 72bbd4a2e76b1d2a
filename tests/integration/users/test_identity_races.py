"""A deactivation against all that may be under way for the same user, on a real Keycloak.

Keycloak reads a user and writes it back whole, so of two requests at once one may undo the other.
"""

import asyncio
from itertools import cycle, islice
from typing import Any

import pytest
from keycloak.exceptions import KeycloakPostError

from bridge.errors import AlreadyExists, FailedPrecondition, Unavailable
from services.users.identity_change import IdentityChange, Kind
from services.users.identity_changes import IdentityChanges
from services.users.identity_work import IdentityWork
from services.users.registration import NOTHING_SENT
from tests.integration.users.changing import Losing, System, again
from tests.integration.users.crashes import Crash
from tests.integration.users.registering import NOW, PASSWORD
from tests.integration.users.test_faults import Failing

RACES = 20
HEADSTARTS = (0.0, 0.002, 0.004, 0.006, 0.008, 0.012)
"""Seconds that the update is ahead of the deactivation."""


@pytest.fixture
def system(system: System) -> System:
    system.steps = IdentityChanges(system.pool, system.store)  # with leases that hold
    return system


def check_refused(system: System) -> None:
    with pytest.raises(KeycloakPostError, match="Account disabled"):
        system.realm.token(system.username, PASSWORD)


async def race(system: System, headstart: float) -> None:
    update = asyncio.create_task(system.work().carry_out(system.wish()))
    await asyncio.sleep(headstart)
    await system.work().carry_out(system.wish(Kind.DEACTIVATE, caller="operator"))
    await asyncio.gather(update, return_exceptions=True)
    check_refused(system)
    identity, user = system.realm.user(system.username), await system.user()
    assert identity is not None
    assert (identity["email"], user.active) == (user.email, False)


async def test_who_is_deactivated_stays_so_whatever_update_of_the_address_races_it(
    system: System,
) -> None:
    for headstart in islice(cycle(HEADSTARTS), RACES):
        await system.register()
        await race(system, headstart)


async def test_a_customer_who_changes_its_address_all_the_time_keeps_no_operator_waiting(
    system: System,
) -> None:
    async def loop() -> None:
        while True:
            try:
                await system.work().carry_out(system.wish())
            except FailedPrecondition:
                return  # deactivated

    loops = [asyncio.create_task(loop()) for _ in range(3)]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(5):
        await system.work().carry_out(system.wish(Kind.DEACTIVATE, caller="operator"))
        await asyncio.gather(*loops)
    check_refused(system)


async def test_no_update_begins_while_a_deactivation_is_under_way(system: System) -> None:
    with pytest.raises(Crash):
        await system.work("after begin").carry_out(system.wish(Kind.DEACTIVATE))
    with pytest.raises(Unavailable) as busy:
        await system.work(patience=0.1).carry_out(system.wish())
    assert (busy.value.reason, busy.value.retry_after > 0) == ("USER_BUSY", True)


def late(system: System, update: IdentityChange) -> None:
    """The update's request, read before the deactivation and written after it."""
    system.realm.admin.update_user(system.id, {"email": update.email, "enabled": True})
    assert system.realm.token(system.username, PASSWORD)


@pytest.mark.parametrize("resumed", [False, True])
async def test_an_update_whose_first_request_comes_after_the_deactivation_lets_nobody_in_for_long(
    system: System, resumed: bool
) -> None:
    update = system.wish()
    with pytest.raises(Unavailable):
        await IdentityWork(system.steps, Losing(system.keycloak)).carry_out(update)
    if resumed:
        await system.work().carry_out(again(update))
    await system.work().carry_out(system.wish(Kind.DEACTIVATE, caller="operator"))
    late(system, update)
    await system.pool.execute(
        "UPDATE identity_changes SET settle_after = now(), lease_until = now()"
    )
    system.steps = IdentityChanges(system.pool, system.store, lease=NOW, settle=NOW)
    await system.sweep()
    check_refused(system)


async def test_an_update_that_is_refused_at_its_second_try_is_watched_until_its_first_has_ended(
    system: System,
) -> None:
    update = system.wish()
    with pytest.raises(Unavailable):
        await IdentityWork(system.steps, Losing(system.keycloak)).carry_out(update)
    refusing: Any = Failing(system.keycloak, "set_email", AlreadyExists("taken"))
    with pytest.raises(Unavailable):  # refused, and nothing else begins until the first has ended
        await IdentityWork(system.steps, refusing, 0.1).carry_out(again(update))
    await system.work().carry_out(system.wish(Kind.DEACTIVATE, caller="operator"))
    late(system, update)
    await system.pool.execute("UPDATE identity_changes SET settle_after = now()")
    system.steps = IdentityChanges(system.pool, system.store, lease=NOW, settle=NOW)
    await system.sweep()
    check_refused(system)


async def test_a_deactivation_that_waited_and_finds_keycloak_away_is_made_good_later(
    system: System,
) -> None:
    with pytest.raises(Crash):  # an update that holds its lease
        await system.work("after begin").carry_out(system.wish())
    away: Any = Failing(system.keycloak, "disable", Unavailable("away", reason=NOTHING_SENT))
    work = IdentityWork(system.steps, away, yielding=0.1)
    with pytest.raises(Unavailable):
        await work.carry_out(system.wish(Kind.DEACTIVATE, caller="operator"))
    await system.pool.execute(
        "UPDATE identity_changes SET settle_after = now(), lease_until = now()"
    )
    system.steps = IdentityChanges(system.pool, system.store, lease=NOW, settle=NOW)
    await system.sweep()
    check_refused(system)
    assert not (await system.user()).active


async def test_an_update_that_is_slower_than_the_deactivation_disables_again(
    system: System,
) -> None:
    update = system.wish()

    class Slow:
        """Has the deactivation done with while the address is on its way."""

        async def set_email(self, user_id: str, email: str) -> None:
            work = IdentityWork(system.steps, system.keycloak, yielding=0)
            await work.carry_out(system.wish(Kind.DEACTIVATE, caller="operator"))
            late(system, update)

        async def disable(self, user_id: str) -> None:
            await system.keycloak.disable(user_id)

    await IdentityWork(system.steps, Slow()).carry_out(update)
    check_refused(system)


async def test_deactivating_again_mends_what_was_undone_in_keycloak(system: System) -> None:
    await system.work().carry_out(system.wish(Kind.DEACTIVATE))
    system.realm.admin.update_user(system.id, {"enabled": True})
    refresh_token = system.realm.refresh_token(system.username, PASSWORD)
    user = await system.work().carry_out(system.wish(Kind.DEACTIVATE, caller="another"))
    assert (user.active, user.version) == (False, 2)
    check_refused(system)
    with pytest.raises(KeycloakPostError):
        system.realm.refresh(refresh_token)


async def test_a_grant_that_comes_late_lets_no_deactivated_user_in(system: System) -> None:
    role = [r for r in system.realm.admin.get_realm_roles() if r["name"] == "customer"]
    for headstart in HEADSTARTS:
        await system.register()
        system.realm.admin.delete_realm_roles_of_user(system.id, role)
        grant = asyncio.create_task(system.keycloak.grant(system.id))
        await asyncio.sleep(headstart)
        await system.work().carry_out(system.wish(Kind.DEACTIVATE, caller="operator"))
        await asyncio.gather(grant, return_exceptions=True)
        check_refused(system)
