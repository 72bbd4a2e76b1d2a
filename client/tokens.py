"""Where the caller's access token comes from: any callable, or one of these two grants."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

TokenSource: TypeAlias = Callable[[], Awaitable[str]]
"""Gives a token that still lives; asked before every call, so it should keep what it has."""

SHARE = 0.2
LONGEST_MARGIN = 30.0
"""Seconds. A token is renewed this long before its end, or a fifth of its life before."""


class LoginFailed(Exception):  # noqa: N818  said as CallFailed is
    """The identity provider refused, or did not answer. `reason` is its error word."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tokens:
    """An answer of the token endpoint; `renew_at` is in seconds of the monotonic clock."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    renew_at: float


class Grant:
    """A token source over OAuth 2.0 at `issuer` (".../realms/causeway").

    The token is kept until shortly before its end, then renewed with its refresh token, or by
    the grant again. Callers at the same time share one request.
    """

    def __init__(self, issuer: str, form: Mapping[str, str]) -> None:
        self._address = f"{issuer.rstrip('/')}/protocol/openid-connect/token"
        self._form = dict(form)
        self._tokens: Tokens | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> str:
        """A token that lives; LoginFailed."""
        async with self._lock:
            if self._tokens is None or time.monotonic() >= self._tokens.renew_at:
                self._tokens = await self._renew(self._tokens)
            return self._tokens.access

    async def _renew(self, old: Tokens | None) -> Tokens:
        if old is not None and old.refresh:
            client = {k: v for k, v in self._form.items() if k.startswith("client_")}
            form = {"grant_type": "refresh_token", "refresh_token": old.refresh, **client}
            try:
                return await self._ask(form)
            except LoginFailed as error:
                # A session that ended is begun again; a provider that is away is not.
                if error.reason != "invalid_grant":
                    raise
        return await self._ask(self._form)

    async def _ask(self, form: Mapping[str, str]) -> Tokens:
        asked = time.monotonic()
        try:
            async with httpx.AsyncClient(timeout=10) as http:
                answer = await http.post(self._address, data=dict(form))
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise LoginFailed(f"{self._address} does not answer: {what}") from error
        if answer.status_code != httpx.codes.OK:
            raise _refused(answer)
        return _tokens(answer, asked)


def password(
    issuer: str, username: str, secret: str, client_id: str = "causeway-cli"
) -> TokenSource:
    """The direct grant of a user, for a client that allows it (the local platform's does)."""
    form = {"grant_type": "password", "client_id": client_id, "scope": "openid"}
    return Grant(issuer, form | {"username": username, "password": secret})


def client_credentials(issuer: str, client_id: str, secret: str) -> TokenSource:
    """The grant of a service account."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return Grant(issuer, form)


def _tokens(answer: httpx.Response, asked: float) -> Tokens:
    """The tokens of an answer to what was asked at `asked`."""
    try:
        body = answer.json()
        life, access = float(body["expires_in"]), str(body["access_token"])
        refresh = str(body.get("refresh_token", ""))
    except (ValueError, TypeError, LookupError, AttributeError):
        # Without the cause: its text may be the answer's, tokens and all.
        raise LoginFailed(f"{answer.url} answered with something that is no token") from None
    return Tokens(access, refresh, asked + life - min(LONGEST_MARGIN, life * SHARE))


def _refused(answer: httpx.Response) -> LoginFailed:
    try:
        body = answer.json()
        reason = str(body.get("error", ""))
        words = str(body.get("error_description", reason))
    except (ValueError, AttributeError):
        reason, words = "", f"HTTP {answer.status_code}"
    return LoginFailed(f"login refused: {words}", reason)
