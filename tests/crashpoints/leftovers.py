"""What a users-api that died leaves of a customer who never asks again: a sweep has to end it."""

import asyncio
import uuid
from contextlib import suppress
from datetime import timedelta

from bridge.errors import Unavailable
from bridge.events.event import Origin
from bridge.events.schema import SchemaId
from bridge.store.event_store import EventStore
from bridge.store.repeats import Repeats
from causeway.users.v1 import events_pb2 as events
from services.events import catalog_of
from services.users.identity_change import Begun, IdentityChange, Kind
from services.users.identity_changes import IdentityChanges
from services.users.intents import METHOD, Intent, Intents
from services.users.keycloak import Keycloak
from tests.crashpoints.callers import PATIENCE, PAUSE
from tests.crashpoints.corner import Corner
from tests.crashpoints.customer import Customer
from tests.integration.users.realm import SECRET

LAPSED = timedelta(0)
CHANGE = "/causeway.users.v1.UserService/"


class Leftovers:
    """Takes the first steps of a request as users-api does, and leaves it there."""

    def __init__(self, corner: Corner, customer: Customer) -> None:
        catalog = catalog_of(events)
        ids = {one.name: SchemaId(7, 1) for one in catalog}
        store = EventStore(catalog, ids, "/causeway/users")
        self._pool = corner.pools["users"]
        self._realm = corner.realm
        self._intents = Intents(self._pool, store, 0, LAPSED, LAPSED)
        self._changes = IdentityChanges(self._pool, store, LAPSED, LAPSED)
        self._me = customer

    async def register(self) -> str:
        """The registration dies when Keycloak has made the user; gives the user's id."""
        intent = _intent(self._me.username, self._me.first_address)
        user_id = await self._created(intent)
        await self._intents.begin(intent)
        await self._becomes("SELECT count(*) FROM users WHERE id = $1", user_id, 1)
        return user_id

    async def give_up(self) -> None:
        """One dies before it asks Keycloak for anything, and what it asks for is made too late."""
        intent = _intent(self._me.stillborn, f"{self._me.stillborn}@example.org")
        await self._intents.begin(intent)
        abandoned = "SELECT count(*) FROM intents WHERE id = $1 AND abandoned"
        await self._becomes(abandoned, intent.id, 1)
        await self._created(intent)
        await self._becomes("SELECT count(*) FROM intents WHERE id = $1", intent.id, 0)

    async def move(self) -> None:
        """The change of the address dies before it asks Keycloak."""
        await self._begin(Kind.UPDATE, email=self._me.last_address)
        moved = "SELECT count(*) FROM users WHERE id = $1 AND email LIKE '%@example.net'"
        await self._becomes(moved, self._me.id, 1)

    async def leave(self) -> None:
        """The deactivation dies before it asks Keycloak."""
        await self._begin(Kind.DEACTIVATE, reason="done")
        gone = "SELECT count(*) FROM users WHERE id = $1 AND NOT active"
        await self._becomes(gone, self._me.id, 1)

    async def _begin(self, kind: Kind, email: str | None = None, reason: str = "") -> None:
        method = f"{CHANGE}{kind.value.capitalize()}User"
        change = IdentityChange(
            id=str(uuid.uuid4()),
            user_id=self._me.id,
            kind=kind,
            repeats=Repeats(self._me.id, method, str(uuid.uuid4()), b""),
            origin=Origin(method=method, correlation_id=str(uuid.uuid4())),
            email=email,
            reason=reason,
        )
        begun = await self._changes.begin(change)
        assert isinstance(begun, Begun), begun

    async def _created(self, intent: Intent) -> str:
        """Have Keycloak make the user, once, however often it has to be asked."""
        realm = self._realm
        keycloak = Keycloak(realm.address, realm.name, "users", SECRET)
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    with suppress(Unavailable):
                        return await keycloak.create(intent, self._me.username)
                    await asyncio.sleep(PAUSE)
        finally:
            await keycloak.close()

    async def _becomes(self, question: str, argument: str, answer: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                if await self._pool.fetchval(question, argument) == answer:
                    return
                await asyncio.sleep(PAUSE)


def _intent(username: str, email: str) -> Intent:
    repeats = Repeats("", METHOD, str(uuid.uuid4()), username.encode())
    origin = Origin(method=METHOD, correlation_id=str(uuid.uuid4()))
    return Intent(str(uuid.uuid4()), username, "Ann", email, repeats, origin)
