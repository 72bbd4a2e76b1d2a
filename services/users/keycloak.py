"""The identities in Keycloak, through its Admin API; the only module that knows python-keycloak.

Errors of the library never leave: they, and what they were raised from, may hold a request. What
does leave has fixed words.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import httpx
from keycloak import KeycloakAdmin, KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from bridge.errors import (
    AlreadyExists,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    NotFound,
    Unavailable,
)
from services.users.intents import Intent
from services.users.registration import NOTHING_SENT, OUTCOME_UNKNOWN

ATTRIBUTE = "intent"
"""User attribute with the id of the intent that made the user; only administrators see it."""

ROLE = "customer"
TIMEOUT = 6.0
"""Seconds for one request, token included; well below the lease of an intent."""

DISABLINGS = 3
"""How often a user is disabled whom another request enables: each writes the user whole."""

T = TypeVar("T")
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Keycloak:
    """Users of one realm, with the rights of our service account (`manage-users`).

    Belongs to the event loop that first uses it; `close` it there.
    """

    def __init__(self, address: str, realm: str, client_id: str, client_secret: str) -> None:
        connection = KeycloakOpenIDConnection(
            server_url=address,
            realm_name=realm,
            client_id=client_id,
            client_secret_key=client_secret,
            timeout=int(TIMEOUT),
        )
        self._admin = KeycloakAdmin(connection=connection)

    async def close(self) -> None:
        """Close the connections."""
        await self._admin.connection.aclose()
        await self._admin.connection.keycloak_openid.connection.aclose()

    async def create(self, intent: Intent, password: str) -> str:
        """See `registration.Identities`."""
        await self._login()
        try:
            return str(await _ask(self._admin.a_create_user(_representation(intent, password))))
        except AlreadyExists:
            made = await self.find(intent)
            if made is None:
                raise
            return made

    async def find(self, intent: Intent) -> str | None:
        """See `registration.Identities`."""
        query = {"username": intent.username, "exact": "true", "max": 1}
        found: list[dict[str, Any]] = await _ask(self._admin.a_get_users(query))
        for user in found:
            if (user.get("attributes") or {}).get(ATTRIBUTE) == [intent.id]:
                return str(user["id"])
        return None

    async def grant(self, user_id: str) -> None:
        """See `registration.Identities`."""
        # What a user has not yet: readable, unlike the realm's roles, with manage-users alone.
        roles = await _ask(self._admin.a_get_available_realm_roles_of_user(user_id))
        missing = [role for role in roles if role["name"] == ROLE]
        if missing:
            await _ask(self._admin.a_assign_realm_roles(user_id, missing))

    async def delete(self, user_id: str) -> None:
        """See `registration.Identities`."""
        try:
            await _ask(self._admin.a_delete_user(user_id))
        except NotFound:
            return

    async def set_email(self, user_id: str, email: str) -> None:
        """See `identity_work.Accounts`."""
        await self._login()
        changed = {"email": email, "emailVerified": False}
        try:
            await _ask(self._admin.a_update_user(user_id, changed))
        except AlreadyExists:
            failure: Exception = AlreadyExists("The email is taken.", metadata={"field": "email"})
        except NotFound:
            failure = FailedPrecondition(
                "The identity provider knows no such user.", reason="IDENTITY_MISSING"
            )
        else:
            return
        raise failure

    async def disable(self, user_id: str) -> None:
        """See `identity_work.Accounts`."""
        await self._login()
        try:
            for _ in range(DISABLINGS):
                await _ask(self._admin.a_update_user(user_id, {"enabled": False}))
                await self._end_sessions(user_id)
                if not (await _ask(self._admin.a_get_user(user_id)))["enabled"]:
                    return
        except NotFound:
            return
        raise _away(unknown=True)

    async def has_role(self, user_id: str, role: str) -> bool:
        """See `rank.Ranks`."""
        await self._login()
        try:
            roles = await _ask(self._admin.a_get_composite_realm_roles_of_user(user_id))
        except NotFound:
            return False
        return any(one["name"] == role for one in roles)

    async def _end_sessions(self, user_id: str) -> None:
        """Whatever goes wrong, the outcome is unknown: the user is disabled by now."""
        try:
            await _ask(self._admin.a_user_logout(user_id))
        except (AlreadyExists, InvalidArgument, Unavailable):
            failure = _away(unknown=True)
        else:
            return
        raise failure

    async def _login(self) -> None:
        """Get a token beforehand: a failure here is one before anything was sent."""
        await _ask(self._admin.connection.a__refresh_if_required(), sent=False)


def _representation(intent: Intent, password: str) -> dict[str, Any]:
    """The user as Keycloak takes it: complete in one request, so there is never one without its
    password or its mark."""
    return {
        "username": intent.username,
        "email": intent.email,
        "enabled": True,
        "attributes": {ATTRIBUTE: [intent.id]},
        "credentials": [{"type": "password", "value": password, "temporary": False}],
    }


async def _ask(answer: Awaitable[T], sent: bool = True) -> T:
    """Await an answer of the library's, and turn what goes wrong into our errors.

    `sent`: the request may have reached Keycloak.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            return await answer
    except KeycloakConnectionError as error:
        refused = isinstance(error.__cause__, NOT_SENT)
        failure: Exception = _away(sent and not refused)
    except TimeoutError:
        failure = _away(sent)
    except KeycloakError as error:
        failure = _answered(error.response_code or 0, sent)
    # Raised out here, so that it has no context: the library's error never goes along.
    raise failure


def _answered(status: int, sent: bool) -> Exception:
    """The error for an answer of Keycloak's."""
    match status:
        case 400:
            return InvalidArgument(
                "The identity provider refused the password, the username or the address.",
                reason="IDENTITY_REFUSED",
            )
        case 404:
            return NotFound("no such user in Keycloak")
        case 409:
            return AlreadyExists("The username or the e-mail address is taken.")
        case 401 | 403:
            return Internal("Keycloak does not let our service account do this")
        case _:
            return _away(sent)


def _away(unknown: bool) -> Unavailable:
    return Unavailable(
        "The identity provider does not answer; try again.",
        retry_after=2.0,
        reason=OUTCOME_UNKNOWN if unknown else NOTHING_SENT,
    )
