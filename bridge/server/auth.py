"""Verifies the token of every call; the edge did so before, and is not trusted to have.

No identity header is ever read: the caller is what the issuer signed. A token counts when its
signature is by a current key of the issuer, `iss` is exactly ours, `aud` holds ours, `azp` is one
of our clients, `typ` is Bearer (so no ID or refresh token), and it is within `exp`, which is no
further away than a token may live.
"""

import hashlib
import re
import time
from collections import OrderedDict
from typing import Any

import jwt

from bridge.errors import Unauthenticated
from bridge.server.call import Call, Caller, Handler, Step
from bridge.server.keys import ALGORITHMS, KeySet
from bridge.server.settings import ServerSettings

CLOCK_SKEW = 10.0
BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
MAX_TOKEN = 8192
REQUIRED = ("exp", "iat", "iss", "aud", "sub")
REMEMBERED = 4096


def invalid() -> Unauthenticated:
    """Say no, and not why: whoever forges learns nothing."""
    return Unauthenticated("the token is not valid", reason="TOKEN_INVALID")


def expired() -> Unauthenticated:
    """Say that the token's time is over."""
    return Unauthenticated("the token has expired", reason="TOKEN_EXPIRED")


def bearer(metadata: Any) -> str:
    """Take the token from `authorization`, which must stand there exactly once."""
    values = [value for key, value in metadata or () if key == "authorization"]
    if not values:
        raise Unauthenticated("a bearer token is needed", reason="TOKEN_MISSING")
    if len(values) > 1 or not isinstance(values[0], str) or len(values[0]) > MAX_TOKEN:
        raise invalid()
    match = BEARER.fullmatch(values[0])
    if match is None:
        raise invalid()
    return match[1]


class Verifier:
    """Turns a token into a `Caller`.

    A token that was verified once is remembered (by digest) with the key that verified it, and
    counts while that very key does and its `exp` lasts: a signature costs about as much as the
    rest of the kit together.
    """

    def __init__(self, keys: KeySet, settings: ServerSettings) -> None:
        self._keys = keys
        self._issuer, self._audience = settings.issuer, settings.audience
        self._clients = frozenset(settings.clients)
        self._longest = settings.token_life + CLOCK_SKEW
        self._verified: OrderedDict[bytes, tuple[Caller, str, jwt.PyJWK]] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """Return the token's holder; raises Unauthenticated, or Unavailable without keys."""
        digest = hashlib.sha256(token.encode()).digest()
        remembered = self._verified.get(digest)
        if remembered is not None:
            caller, kid, key = remembered
            if self._keys.known(kid) is key:
                if caller.expires + CLOCK_SKEW <= time.time():
                    raise expired()
                return caller
            del self._verified[digest]
        kid = key_id(token)
        key = await self._keys.find(kid)
        caller = self._check(token, key)
        self._verified[digest] = caller, kid, key
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return caller

    def _check(self, token: str, key: jwt.PyJWK) -> Caller:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=CLOCK_SKEW,
                options={"require": list(REQUIRED)},
            )
        except jwt.ExpiredSignatureError:
            raise expired() from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise invalid() from None
        client = claims.get("azp")
        known = isinstance(client, str) and client in self._clients
        if claims.get("typ") != "Bearer" or not known or not self._in_time(claims["exp"]):
            raise invalid()
        return caller_of(claims)

    def _in_time(self, exp: object) -> bool:
        """Whether `exp` is a number (a text passes PyJWT) and no further away than it may be."""
        return isinstance(exp, int | float) and exp - time.time() <= self._longest


def key_id(token: str) -> str:
    """Read `kid` from the header; nothing else there (jku, jwk, x5u) is looked at."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise invalid() from None
    kid = header.get("kid")
    if header.get("alg") not in ALGORITHMS or "crit" in header or not isinstance(kid, str):
        raise invalid()
    return kid


def caller_of(claims: dict[str, Any]) -> Caller:
    """Build the caller of verified claims."""
    access = claims.get("realm_access")
    roles = access.get("roles") if isinstance(access, dict) else None
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject:
        raise invalid()
    return Caller(
        subject=subject,
        client=claims["azp"],
        roles=frozenset(r for r in roles or () if isinstance(r, str)),
        expires=float(claims["exp"]),
        username=str(claims.get("preferred_username", "")),
    )


def auth_step(verifier: Verifier) -> Step:
    """Make the step: a public method asks for no token, any other for a valid one."""

    async def authenticate(call: Call, proceed: Handler) -> bytes | None:
        if not call.method.access.public:
            call.caller = await verifier.verify(bearer(call.metadata))
        return await proceed(call)

    return authenticate
