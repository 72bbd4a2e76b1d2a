"""Who may end a login or give it another address: operators, but not an administrator's."""

from typing import Protocol

from bridge.errors import PermissionDenied
from bridge.server.identity import Caller
from services.users.identity_change import IdentityChange, Kind

ADMIN = "admin"


class Ranks(Protocol):
    """What this needs of Keycloak, which alone knows who has which role."""

    async def has_role(self, user_id: str, role: str) -> bool:
        """Whether a user has a role, by itself or through another one; False: no such user."""
        ...


class Rank:
    """Keeps an operator from taking an administrator's account."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks

    async def check(self, caller: Caller, change: IdentityChange) -> None:
        """PermissionDenied (ADMIN_ONLY); Unavailable while Keycloak is away."""
        if caller.subject == change.user_id or caller.has(ADMIN):
            return
        name_alone = change.kind is Kind.UPDATE and change.email is None
        if not name_alone and await self._ranks.has_role(change.user_id, ADMIN):
            raise PermissionDenied(
                "only an administrator deactivates an administrator or changes its address",
                reason="ADMIN_ONLY",
            )
