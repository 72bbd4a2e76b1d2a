"""A registration over two systems: intent, Keycloak user, role, then the user with its event.

Each step can be the last one before a crash. The table says what the next try of the same request,
or the sweeper, finds and does:

    intent   Keycloak user   user row   →
    yes      no              no         create it (same request), or give the intent up (sweeper)
    yes      yes             no         give it its role, and finish
    no       yes             yes        nothing: it is done
    given up yes             no         delete the Keycloak user: its request came late
"""

import asyncio
from time import monotonic
from typing import Protocol

from bridge.errors import AlreadyExists, CausewayError, Unavailable
from services.users.intents import Beginning, Begun, Intent, Registered, Taken, UnderWay

POLL = 0.05
PATIENCE = 7.0
"""Seconds that a request waits for another one with the same name; below a call's deadline."""

OUTCOME_UNKNOWN = "IDENTITY_OUTCOME_UNKNOWN"
"""Reason of an Unavailable after which a Keycloak user may exist, or come to exist."""

NOTHING_SENT = "IDENTITY_PROVIDER_AWAY"
"""Reason of an Unavailable before Keycloak was asked for anything."""


class Identities(Protocol):
    """What a registration needs of Keycloak. Every method may raise Unavailable."""

    async def create(self, intent: Intent, password: str) -> str:
        """Create the user and give its id; the id of the one there is, if the intent made it.

        AlreadyExists: another one has the name or the address. InvalidArgument: refused. An
        Unavailable has the reason OUTCOME_UNKNOWN unless nothing was sent.
        """
        ...

    async def find(self, intent: Intent) -> str | None:
        """The id of the user that this very intent made."""
        ...

    async def grant(self, user_id: str) -> None:
        """Give a user the role `customer`; fine if it has it."""
        ...

    async def delete(self, user_id: str) -> None:
        """Delete a user; fine if it is gone."""
        ...


class Steps(Protocol):
    """The steps in our own database: `services.users.intents.Intents`."""

    async def begin(self, intent: Intent) -> Beginning | None: ...  # noqa: D102
    async def take(self, intent: Intent) -> bool: ...  # noqa: D102
    async def release(self, intent: Intent) -> None: ...  # noqa: D102
    async def drop(self, intent: Intent) -> None: ...  # noqa: D102
    async def abandon(self, intent: Intent) -> None: ...  # noqa: D102
    async def finish(self, intent: Intent, user_id: str) -> None: ...  # noqa: D102


class Registration:
    """Registers users, and settles what a crash left."""

    def __init__(self, intents: Steps, identities: Identities, patience: float = PATIENCE) -> None:
        self._intents = intents
        self._identities = identities
        self._patience = patience

    async def register(self, intent: Intent, password: str) -> str:
        """Carry the intent out and give the user's id.

        AlreadyExists if somebody has the username or the address; InvalidArgument if Keycloak
        refuses the password; Unavailable if Keycloak is away: the same request heals it.
        """
        deadline = monotonic() + self._patience
        while True:
            beginning = await self._intents.begin(intent)
            match beginning:
                case Registered(user_id):
                    return user_id
                case Taken(field):
                    raise AlreadyExists(f"The {field} is taken.", metadata={"field": field})
                case Begun():
                    return await self._create(intent, password)
                case UnderWay(other, same=True) if await self._free(beginning):
                    return await self._resume(other, password)
                case UnderWay(other, settled=True) if await self._free(beginning):
                    await self.settle(other)
                    continue
            if monotonic() > deadline:
                raise Unavailable("This username or e-mail address is being registered just now.")
            await asyncio.sleep(POLL)

    async def settle(self, intent: Intent) -> None:
        """Finish a leased intent that was left behind, or give it up, or clear up after it.

        One that fails keeps its lease, so that others have their turn before it comes again.
        """
        user_id = await self._identities.find(intent)
        if intent.abandoned:
            if user_id is not None:
                await self._identities.delete(user_id)
            await self._intents.drop(intent)
        elif user_id is None:
            await self._intents.abandon(intent)
        else:
            await self._finish(intent, user_id)

    async def _free(self, other: UnderWay) -> bool:
        return not other.leased and await self._intents.take(other.intent)

    async def _create(self, intent: Intent, password: str) -> str:
        try:
            user_id = await self._identities.create(intent, password)
        except CausewayError as error:
            if error.reason == OUTCOME_UNKNOWN:
                await self._intents.release(intent)
            else:
                await self._intents.drop(intent)
            raise
        return await self._finish_or_release(intent, user_id)

    async def _resume(self, intent: Intent, password: str) -> str:
        """Go on with an intent whose first try may have made, or may still make, a user."""
        try:
            user_id = await self._identities.find(intent)
            if user_id is None:
                user_id = await self._identities.create(intent, password)
        except Unavailable:
            await self._intents.release(intent)
            raise
        except CausewayError:
            await self._intents.abandon(intent)
            raise
        return await self._finish_or_release(intent, user_id)

    async def _finish_or_release(self, intent: Intent, user_id: str) -> str:
        """Finish, and let the next try of the same request go on at once where that fails."""
        try:
            await self._finish(intent, user_id)
        except CausewayError:
            await self._intents.release(intent)
            raise
        return user_id

    async def _finish(self, intent: Intent, user_id: str) -> None:
        await self._identities.grant(user_id)
        await self._intents.finish(intent, user_id)
