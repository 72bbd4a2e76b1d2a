"""A change of a user over two systems: written down, made in Keycloak, then here with its event.

Each step can be the last one before a crash. Whatever it leaves is carried out again, by the next
try of the same request or by the sweeper: both of Keycloak's answers to the same change are the
same. What Keycloak refuses, and what was never sent, leaves nothing. Anything else stays until it
is made here too: once Keycloak has said yes there is no way but on.

Keycloak reads a user and writes it back whole, whatever a request names, so of two requests at the
same time one may undo the other. Hence a deactivation waits for an update, no update begins after
it, and an update that ends late disables the user again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Protocol

from bridge import logs
from bridge.errors import (
    AlreadyExists,
    CausewayError,
    FailedPrecondition,
    InvalidArgument,
    Unavailable,
)
from services.users.aggregate import User
from services.users.identity_change import (
    Beginning,
    Begun,
    Done,
    IdentityChange,
    Kind,
    UnderWay,
)
from services.users.registration import NOTHING_SENT, PATIENCE, POLL

YIELD = 3.0
"""Seconds that a deactivation waits for an update that a process works on; then it goes on."""

REFUSALS = (AlreadyExists, FailedPrecondition, InvalidArgument)
"""Keycloak's definite answers. Not Internal: an earlier request may have been let through."""


class Accounts(Protocol):
    """What a change needs of Keycloak. Every method may raise Unavailable and Internal.

    The reason of an Unavailable is NOTHING_SENT, and an error one of REFUSALS, only if Keycloak
    has surely done nothing.
    """

    async def set_email(self, user_id: str, email: str) -> None:
        """Give a user another address. AlreadyExists: it is taken; FailedPrecondition: no user."""
        ...

    async def disable(self, user_id: str) -> None:
        """End a user's logins, sessions and refresh tokens at once; fine if the user is gone."""
        ...


class Steps(Protocol):
    """The steps in our own database: `services.users.identity_changes.IdentityChanges`."""

    async def begin(self, change: IdentityChange) -> Beginning | None: ...  # noqa: D102
    async def take(self, change: IdentityChange) -> bool: ...  # noqa: D102
    async def release(self, change: IdentityChange) -> None: ...  # noqa: D102
    async def drop(self, change: IdentityChange) -> None: ...  # noqa: D102
    async def close(self, change: IdentityChange) -> None: ...  # noqa: D102
    async def updating(self, user_id: str) -> bool: ...  # noqa: D102
    async def deactivating(self, user_id: str) -> bool: ...  # noqa: D102
    async def finish(  # noqa: D102
        self, change: IdentityChange, *, resumed: bool
    ) -> User | None: ...


class IdentityWork:
    """Changes users in both systems, and settles what a crash left."""

    def __init__(
        self,
        steps: Steps,
        accounts: Accounts,
        patience: float = PATIENCE,
        yielding: float = YIELD,
    ) -> None:
        self._steps = steps
        self._accounts = accounts
        self._patience = patience
        self._yielding = yielding

    async def carry_out(self, change: IdentityChange) -> User:
        """Make the change and give the user as it is then.

        What `IdentityChanges.begin` raises; Unavailable while Keycloak is away or another change
        is under way: the same request heals it.
        """
        deadline = monotonic() + self._patience
        while True:
            beginning = await self._steps.begin(change)
            match beginning:
                case Done(user):
                    return user
                case Begun():
                    async with self._released(change):
                        await self._tell(change, resumed=False)
                        made = await self._steps.finish(change, resumed=False)
                    if made is not None:
                        return made
                case UnderWay(other) if await self._free(beginning):
                    async with self._released(other):
                        await self.settle(other)
                    continue
            if monotonic() > deadline:
                raise Unavailable("This user is being changed just now.", reason="USER_BUSY")
            await asyncio.sleep(POLL)

    async def settle(self, change: IdentityChange) -> None:
        """Carry out a leased change that was left behind, or clear it up.

        One that fails keeps its lease, so that others have their turn before it comes again.
        """
        if change.finished:
            await self._keep_disabled(change)
            await self._steps.drop(change)
            return
        try:
            await self._tell(change, resumed=True)
        except REFUSALS as error:
            logs.warning("users.change_refused", change=change.id, reason=error.reason)
            return
        await self._steps.finish(change, resumed=True)

    async def _free(self, other: UnderWay) -> bool:
        """Whether the other change may be gone on with, leased by us."""
        due = other.settled or (other.like and not other.change.finished)
        return due and not other.leased and await self._steps.take(other.change)

    async def _tell(self, change: IdentityChange, *, resumed: bool) -> None:
        """Have Keycloak make the change, and forget it where that has surely not happened."""
        waited = change.kind is Kind.DEACTIVATE and await self._wait_for_update(change)
        try:
            await TELL[change.kind](self._accounts, change)
        except CausewayError as error:
            # The update that was waited for may have disabled the user: then there is no way back.
            unsent = error.reason == NOTHING_SENT and not waited
            if resumed and isinstance(error, REFUSALS):
                await self._steps.close(change)  # the first try's request may come late
            elif not resumed and (unsent or isinstance(error, REFUSALS)):
                await self._steps.drop(change)
            raise
        if change.kind is Kind.UPDATE:
            await self._keep_disabled(change)

    async def _wait_for_update(self, change: IdentityChange) -> bool:
        """Let an update come to its end, for a while; whether there was one."""
        deadline, waited = monotonic() + self._yielding, False
        while await self._steps.updating(change.user_id) and monotonic() < deadline:
            waited = True
            await asyncio.sleep(POLL)
        return waited

    async def _keep_disabled(self, change: IdentityChange) -> None:
        """Make good that a request for an address may have enabled a deactivated user."""
        if await self._steps.deactivating(change.user_id):
            await self._accounts.disable(change.user_id)

    @asynccontextmanager
    async def _released(self, change: IdentityChange) -> AsyncIterator[None]:
        """Let the next try of the same request go on at once with what fails here."""
        try:
            yield
        except CausewayError:
            await self._steps.release(change)
            raise


async def _set_email(accounts: Accounts, change: IdentityChange) -> None:
    if change.email is not None:
        await accounts.set_email(change.user_id, change.email)


async def _disable(accounts: Accounts, change: IdentityChange) -> None:
    await accounts.disable(change.user_id)


TELL: Mapping[Kind, Callable[[Accounts, IdentityChange], Awaitable[None]]] = {
    Kind.UPDATE: _set_email,
    Kind.DEACTIVATE: _disable,
}
