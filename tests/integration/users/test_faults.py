"""What goes wrong between Keycloak and us is made good, and holds nobody else up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from bridge.errors import CausewayError, FailedPrecondition, Internal, StaleVersion, Unavailable
from bridge.events.event import Event
from bridge.store.event_store import EventStore
from services.users.aggregate import User
from services.users.identity_change import IdentityChange, Kind
from services.users.identity_changes import IdentityChanges
from services.users.identity_work import IdentityWork
from services.users.intents import Intent, Intents
from services.users.keycloak import Keycloak
from services.users.money import NANOS
from services.users.registration import Registration
from services.users.sweeper import Sweeper
from tests.integration.users.changing import Losing, System, again
from tests.integration.users.crashes import Crash
from tests.integration.users.registering import PASSWORD, Registering, intent

ONE_ROW = "ANALYZE"
"""As autovacuum may at that moment. PostgreSQL then plans for one row of the table, and would ask
what is due again for each that there is, and lease them all."""


class Failing:
    """Passes calls on to `port`; those of `name` raise `error` instead, for `user_id` if given."""

    def __init__(self, port: Any, name: str, error: CausewayError, user_id: str = "") -> None:
        self._port, self._name, self._error, self._user = port, name, error, user_id
        self.failed = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._port, name)
        return self._fail_or(method) if name == self._name else method

    def _fail_or(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(first: Any, *arguments: Any, **named: Any) -> Any:
            if self._user in ("", first):
                self.failed += 1
                raise self._error
            return await method(first, *arguments, **named)

        return call


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("error", [StaleVersion("changes too often"), Internal("broken")])
async def test_what_keycloak_has_made_is_kept_until_it_is_made_here_whatever_goes_wrong(
    system: System, kind: Kind, error: CausewayError
) -> None:
    wish = system.wish(kind)
    failing = Failing(system.steps, "finish", error)
    for request in (wish, again(wish)):  # the first try, and one that goes on with it
        with pytest.raises(type(error)):
            await IdentityWork(failing, system.keycloak, 5).carry_out(request)
    await system.sweep()
    assert await system.made(wish)


@pytest.mark.parametrize("kind", Kind)
async def test_a_change_with_an_unknown_outcome_outlives_a_service_account_that_is_refused(
    system: System, kind: Kind
) -> None:
    wish = system.wish(kind)
    with pytest.raises(Unavailable):
        await IdentityWork(system.steps, Losing(system.keycloak)).carry_out(wish)
    refusing = Keycloak(system.realm.address, system.realm.name, "users", "rotated")
    with pytest.raises(Internal):
        await IdentityWork(system.steps, refusing, 5).carry_out(again(wish))
    await Sweeper[IdentityChange](system.steps, IdentityWork(system.steps, refusing)).sweep()
    await refusing.close()
    await system.sweep()
    assert await system.made(wish)


async def test_a_change_that_fails_again_and_again_holds_up_no_other(
    system: System, superuser: asyncpg.Connection
) -> None:
    other = System(system.pool, system.store, system.keycloak, system.realm)
    await other.register()
    wishes = [system.wish(Kind.DEACTIVATE), other.wish(Kind.DEACTIVATE)]
    for one, wish in zip((system, other), wishes, strict=True):
        with pytest.raises(Crash):
            await one.work("after begin").carry_out(wish)
        if one is system:
            await superuser.execute(f"{ONE_ROW} identity_changes")
    steps = IdentityChanges(system.pool, system.store)  # with leases that hold
    away = Failing(system.keycloak, "disable", Unavailable("away"), system.id)
    sweeper = Sweeper[IdentityChange](steps, IdentityWork(steps, away))
    await sweeper.sweep()
    assert away.failed == 1
    assert await other.made(wishes[1])
    assert not await system.made(wishes[0])
    await system.pool.execute("UPDATE identity_changes SET lease_until = now()")
    await system.sweep()
    assert await system.made(wishes[0])


async def test_a_registration_that_fails_again_and_again_holds_up_no_other(
    system: System, superuser: asyncpg.Connection
) -> None:
    left = Registering(system.pool, system.store, system.keycloak, system.realm)
    wanted = [intent(), intent()]
    for one in wanted:
        with pytest.raises(Crash):
            await left.registration("after create").register(one, PASSWORD)
        if one is wanted[0]:
            await superuser.execute(f"{ONE_ROW} intents")
    intents = Intents(system.pool, system.store, NANOS)  # with leases that hold
    first = await system.keycloak.find(wanted[0])
    assert first is not None
    away: Any = Failing(system.keycloak, "grant", Unavailable("away"), first)
    sweeper = Sweeper[Intent](intents, Registration(intents, away))
    await sweeper.sweep()
    assert away.failed == 1
    assert await left.exists(wanted[1])
    await system.pool.execute("UPDATE intents SET lease_until = now()")
    await left.settled()
    assert await left.exists(wanted[0])


async def test_an_address_that_keycloak_has_is_made_known_also_of_who_is_deactivated_meanwhile(
    system: System,
) -> None:
    wish = system.wish()
    with pytest.raises(Crash):
        await system.work("after set_email").carry_out(wish)
    await system.work().carry_out(system.wish(Kind.DEACTIVATE))
    await system.sweep()
    identity, user = system.realm.user(system.username), await system.user()
    assert identity is not None
    assert (identity["email"], identity["enabled"]) == (wish.email, False)
    assert (user.email, user.active, user.version) == (wish.email, False, 3)


async def test_a_name_alone_is_refused_to_who_is_deactivated_in_that_very_moment(
    system: System,
) -> None:
    store = Meeting(system.store, system.work().carry_out(system.wish(Kind.DEACTIVATE)))
    rename = replace(system.wish(), email=None, display_name="Ann B.")
    steps: Any = IdentityChanges(system.pool, store)  # type: ignore[arg-type]
    with pytest.raises(FailedPrecondition, match="deactivated"):
        await IdentityWork(steps, system.keycloak).carry_out(rename)
    assert (await system.user()).display_name == "Ann"


class Meeting:
    """A store in which `first` happens right before the first append."""

    def __init__(self, store: EventStore, first: Awaitable[User]) -> None:
        self._store, self._first = store, [first]

    async def append(self, *arguments: Any) -> Sequence[Event]:
        if self._first:
            await self._first.pop()
        return await self._store.append(*arguments)
