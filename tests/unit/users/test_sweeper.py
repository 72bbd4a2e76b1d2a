"""The sweeper holds a lease no longer than it works on the intent."""

import asyncio
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.events.event import Origin
from bridge.store.repeats import Repeats
from services.users import sweeper
from services.users.intents import METHOD, Intent
from services.users.sweeper import Sweeper
from services.users.under_way import LEASE

NOT_REPEATED = Repeats("", METHOD, "", b"")


class Registrations:
    """Plays the intents' table and the registration; `held` are leased and not settled."""

    def __init__(self, *ids: str) -> None:
        self.left = [Intent(one, one, one, one, NOT_REPEATED, Origin()) for one in ids]
        self.held: list[str] = []
        self.most_held = 0
        self.settled: list[str] = []

    async def due(self, limit: int) -> list[Intent]:
        found, self.left = self.left[:limit], self.left[limit:]
        self.held += [one.id for one in found]
        self.most_held = max(self.most_held, len(self.held))
        return found

    async def settle(self, intent: Intent) -> None:
        try:
            if intent.id == "away":
                raise Unavailable("no Keycloak")
            if intent.id == "slow":
                await asyncio.sleep(60)
            self.settled.append(intent.id)
        finally:
            self.held.remove(intent.id)


def sweeping(registrations: Any, **settings: Any) -> Sweeper[Intent]:
    return Sweeper(registrations, registrations, **settings)


async def test_one_intent_is_leased_at_a_time_and_one_that_fails_holds_up_none() -> None:
    registrations = Registrations("a", "away", "b", "c")
    assert await sweeping(registrations).sweep() == 3
    assert registrations.settled == ["a", "b", "c"]
    assert registrations.most_held == 1


async def test_what_takes_longer_than_its_lease_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LEASE.total_seconds() > sweeper.LIMIT
    monkeypatch.setattr(sweeper, "LIMIT", 0.05)
    registrations = Registrations("slow", "a")
    async with asyncio.timeout(5):
        assert await sweeping(registrations).sweep() == 1
    assert registrations.settled == ["a"]


async def test_a_look_ends_also_where_there_is_always_more() -> None:
    registrations = Registrations(*map(str, range(9)))
    assert await sweeping(registrations, batch=4).sweep() == 4


async def test_a_full_look_is_followed_by_the_next_at_once_and_a_failure_by_a_pause() -> None:
    stop = asyncio.Event()
    registrations = Registrations(*map(str, range(9)), "away", *map(str, range(10, 20)))
    running = asyncio.create_task(sweeping(registrations, batch=3, interval=60).run(stop))
    await asyncio.sleep(0.1)
    stop.set()
    await running
    assert registrations.settled == [*map(str, range(9)), "10", "11"]
