"""The identities, reached at the first question and not before."""

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

from services.users.identity_work import Accounts
from services.users.intents import Intent
from services.users.rank import Ranks
from services.users.registration import Identities


class Closable(Identities, Accounts, Ranks, Protocol):
    """Identities that hold connections."""

    async def close(self) -> None:
        """Close the connections."""
        ...


class Later:
    """Identities that `make` gives when the first of them is needed."""

    def __init__(self, make: Callable[[], Closable]) -> None:
        self._make = make

    async def create(self, intent: Intent, password: str) -> str:
        """See `registration.Identities`."""
        return await self._made.create(intent, password)

    async def find(self, intent: Intent) -> str | None:
        """See `registration.Identities`."""
        return await self._made.find(intent)

    async def grant(self, user_id: str) -> None:
        """See `registration.Identities`."""
        await self._made.grant(user_id)

    async def delete(self, user_id: str) -> None:
        """See `registration.Identities`."""
        await self._made.delete(user_id)

    async def set_email(self, user_id: str, email: str) -> None:
        """See `identity_work.Accounts`."""
        await self._made.set_email(user_id, email)

    async def disable(self, user_id: str) -> None:
        """See `identity_work.Accounts`."""
        await self._made.disable(user_id)

    async def has_role(self, user_id: str, role: str) -> bool:
        """See `rank.Ranks`."""
        return await self._made.has_role(user_id, role)

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if "_made" in self.__dict__:
            await self._made.close()

    @cached_property
    def _made(self) -> Closable:
        return self._make()
