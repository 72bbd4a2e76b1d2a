"""A registered user who is changed, and what can be seen of it from outside."""

import uuid
from dataclasses import replace

import asyncpg

from bridge.errors import Unavailable
from bridge.events.event import Origin
from bridge.store.event_store import EventStore
from bridge.store.repeats import Repeats
from services.users import user_table
from services.users.aggregate import User
from services.users.identity_change import IdentityChange, Kind
from services.users.identity_changes import IdentityChanges
from services.users.identity_work import IdentityWork
from services.users.intents import Intents
from services.users.keycloak import Keycloak
from services.users.money import NANOS
from services.users.registration import OUTCOME_UNKNOWN, Registration
from services.users.sweeper import Sweeper
from tests.integration.users.crashes import Crashing
from tests.integration.users.realm import Realm
from tests.integration.users.registering import NOW, PASSWORD, intent


class System:
    """One registered user, what changes it, and what can be seen from outside."""

    def __init__(
        self, pool: asyncpg.Pool, store: EventStore, keycloak: Keycloak, realm: Realm
    ) -> None:
        self.pool, self.store, self.keycloak, self.realm = pool, store, keycloak, realm
        self.steps = IdentityChanges(pool, store, lease=NOW, settle=NOW)
        self.trace: list[str] = []
        self.id = self.username = ""

    async def register(self) -> None:
        wanted = intent()
        intents = Intents(self.pool, self.store, 500 * NANOS)
        self.username = wanted.username
        self.id = await Registration(intents, self.keycloak).register(wanted, PASSWORD)

    def work(self, point: str = "", patience: float = 5) -> IdentityWork:
        steps = Crashing(self.steps, self.trace, point)
        return IdentityWork(steps, Crashing(self.keycloak, self.trace, point), patience)

    async def sweep(self) -> None:
        sweeper: Sweeper[IdentityChange] = Sweeper(self.steps, self.work())
        await sweeper.sweep()
        await sweeper.sweep()
        assert await self.pool.fetchval("SELECT count(*) FROM identity_changes") == 0

    def wish(self, kind: Kind = Kind.UPDATE, email: str = "", caller: str = "") -> IdentityChange:
        request_id = str(uuid.uuid4())
        return IdentityChange(
            id=request_id,
            user_id=self.id,
            kind=kind,
            repeats=Repeats(caller or self.id, kind.value, request_id, email.encode()),
            origin=Origin(correlation_id="c1"),
            email=(email or f"n{request_id[:8]}@example.org") if kind is Kind.UPDATE else None,
            reason="fraud" if kind is Kind.DEACTIVATE else "",
        )

    async def user(self) -> User:
        async with self.pool.acquire() as connection:
            found = await user_table.find(connection, self.id)
        assert found is not None
        return found

    async def made(self, wish: IdentityChange) -> bool:
        """Whether the change is made: in both systems with one event, or in none."""
        identity, user = self.realm.user(self.username), await self.user()
        assert identity is not None
        async with self.pool.acquire() as connection:
            events = await self.store.load(connection, f"users/{self.id}")
        here = user.email == wish.email if wish.kind is Kind.UPDATE else not user.active
        there = identity["email"] == wish.email
        if wish.kind is Kind.DEACTIVATE:
            there = not identity["enabled"]
        assert (here, len(events)) == (there, 2 if here else 1)
        assert identity["attributes"], "the mark of its registration"
        assert "customer" in self.realm.roles(self.id)
        return here


def again(wish: IdentityChange) -> IdentityChange:
    """The same request, come a second time."""
    return replace(wish, id=str(uuid.uuid4()))


class Losing:
    """A Keycloak that does what it is asked, and whose answers are lost on the way."""

    def __init__(self, keycloak: Keycloak) -> None:
        self._keycloak = keycloak

    async def set_email(self, user_id: str, email: str) -> None:
        await self._keycloak.set_email(user_id, email)
        raise Unavailable("lost", reason=OUTCOME_UNKNOWN)

    async def disable(self, user_id: str) -> None:
        await self._keycloak.disable(user_id)
        raise Unavailable("lost", reason=OUTCOME_UNKNOWN)
