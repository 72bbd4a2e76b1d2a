"""Registrations over two systems, and what can be seen of them from outside."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg

from bridge.events.event import Origin
from bridge.store.event_store import EventStore
from bridge.store.repeats import Repeats
from causeway.users.v1.events_pb2 import UserRegistered
from services.users.intents import METHOD, Intent, Intents
from services.users.keycloak import Keycloak
from services.users.money import NANOS
from services.users.registration import Registration
from services.users.sweeper import Sweeper
from tests.integration.users.crashes import Crashing
from tests.integration.users.realm import Realm

PASSWORD = "correct horse battery staple"
NOW = timedelta(0)


def intent(request_id: str | None = None) -> Intent:
    name = f"u{uuid.uuid4().hex[:12]}"
    request_id = str(uuid.uuid4()) if request_id is None else request_id
    return Intent(
        id=str(uuid.uuid4()),
        username=name,
        display_name="Ann",
        email=f"{name}@example.org",
        repeats=Repeats("", METHOD, request_id, name.encode()),
        origin=Origin(method=METHOD, correlation_id="c1"),
    )


def again(wanted: Intent) -> Intent:
    """The same request, come a second time."""
    return replace(wanted, id=str(uuid.uuid4()))


def like(other: Intent, field: str, change: Callable[[str], str] = str) -> Intent:
    """Another request with the same username or email."""
    value = change(getattr(other, field))
    wanted = intent()
    return replace(wanted, username=value) if field == "username" else replace(wanted, email=value)


class Registering:
    """The parts of one test of registrations, and what can be seen from outside."""

    def __init__(
        self, pool: asyncpg.Pool, store: EventStore, keycloak: Keycloak, realm: Realm
    ) -> None:
        self.pool, self.store, self.keycloak, self.realm = pool, store, keycloak, realm
        self.intents = Intents(pool, store, 500 * NANOS, lease=NOW, settle=NOW)
        self.trace: list[str] = []

    def registration(self, point: str = "") -> Registration:
        intents = Crashing(self.intents, self.trace, point)
        return Registration(intents, Crashing(self.keycloak, self.trace, point), patience=5)

    async def sweep(self, point: str = "", times: int = 1) -> None:
        intents = Crashing(self.intents, self.trace, point)
        sweeper: Sweeper[Intent] = Sweeper(intents, self.registration(point), batch=1)
        for _ in range(times):
            await sweeper.sweep()

    async def settled(self) -> None:
        """Sweep until nothing is left of any intent."""
        await self.sweep(times=4)
        assert await self.pool.fetchval("SELECT count(*) FROM intents") == 0

    async def exists(self, wanted: Intent) -> bool:
        """Whether the user exists: in both systems and whole, or in none."""
        identity = self.realm.user(wanted.username)
        rows = await self.pool.fetch("SELECT * FROM users WHERE username = $1", wanted.username)
        if identity is None:
            assert rows == []
            return False
        user_id = str(identity["id"])
        assert [row["id"] for row in rows] == [user_id]
        assert "customer" in self.realm.roles(user_id)
        assert self.realm.has_password(user_id)
        async with self.pool.acquire() as connection:
            (registered,) = await self.store.load(connection, f"users/{user_id}")
        assert isinstance(registered.message, UserRegistered)
        assert registered.message.email == wanted.email
        assert registered.origin.correlation_id == "c1"
        return True
