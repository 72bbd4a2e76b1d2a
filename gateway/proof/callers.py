"""Who calls in the matrix, and how a token is shown or forged."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

BEARER = "Bearer "


class Standing(Enum):
    """What a caller's token is worth."""

    STRANGER = "no token, or one that nobody vouches for"
    FOREIGN = "signed by our issuer, and not for this platform"
    KNOWN = "an access token of the platform"


@dataclass(frozen=True, slots=True)
class Caller:
    """A column of the matrix. `headers` and `query` are sent as they are, `roles` are held."""

    name: str
    standing: Standing
    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    roles: frozenset[str] = frozenset()


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The one header in which a token counts."""
    return (("authorization", f"{BEARER}{token}"),)


def stranger(name: str, token: str = "") -> Caller:
    """Somebody whom the edge must turn away at the door."""
    return Caller(name, Standing.STRANGER, bearer(token) if token else ())


def foreign(name: str, token: str) -> Caller:
    """The holder of a real token that is not one for us."""
    return Caller(name, Standing.FOREIGN, bearer(token))


def known(name: str, token: str, roles: frozenset[str]) -> Caller:
    """The holder of an access token with these roles."""
    return Caller(name, Standing.KNOWN, bearer(token), roles=roles)


def forgers(strong: str, low: Caller) -> Iterator[Caller]:
    """Headers that a careless service or edge would believe, without a token and with a low one.

    `strong` is a valid token of somebody with every role: here it is in every wrong place.
    """
    claims = json.dumps(payload(strong))
    for name, headers in _forged(strong, claims).items():
        added = tuple(headers.items())
        yield Caller(f"forged {name}", Standing.STRANGER, added)
        if "authorization" not in headers:
            yield replace(low, name=f"{low.name}, forged {name}", headers=(*low.headers, *added))
    yield Caller("token in the query", Standing.STRANGER, query=f"access_token={strong}")


def _forged(strong: str, claims: str) -> dict[str, dict[str, str]]:
    subject = str(payload(strong).get("sub", "root"))
    packed = base64.b64encode(claims.encode()).decode()
    return {
        "identity": {
            "x-user": "root",
            "x-user-id": subject,
            "x-roles": "admin",
            "x-forwarded-user": "root",
            "x-forwarded-groups": "admin",
            "x-forwarded-email": "root@example.com",
            "x-auth-request-user": "root",
            "x-remote-user": "root",
            "remote-user": "root",
        },
        "payload": {
            "x-jwt-payload": packed,
            "x-jwt-claims": claims,
            "x-userinfo": packed,
            "x-endpoint-api-userinfo": packed,
        },
        "x-envoy": {
            "x-envoy-original-path": "/v1/users:register",
            "x-envoy-original-method": "POST",
            "x-envoy-internal": "true",
            "x-envoy-external-address": "127.0.0.1",
            "x-original-url": "/v1/users:register",
            "x-forwarded-for": "127.0.0.1",
            "x-real-ip": "127.0.0.1",
        },
        "token place": {
            "x-access-token": strong,
            "x-forwarded-access-token": strong,
            "proxy-authorization": f"Bearer {strong}",
            "cookie": f"access_token={strong}; causeway_token={strong}",
        },
        "basic authorization": {
            "authorization": "Basic " + base64.b64encode(b"root:root").decode()
        },
        "authorization scheme": {"authorization": f"DPoP {strong}"},
    }


def payload(token: str) -> dict[str, Any]:
    """The claims of a token, unverified; none where it is no token."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def unsigned(token: str) -> str:
    """The claims of a token under `alg: none`."""
    return f"{_signed_part({'alg': 'none', 'typ': 'JWT'}, payload(token))}."


def signed_with_public_key(token: str, key_id: str, public_key: bytes) -> str:
    """The claims of a token under HS256, with the issuer's public key (PEM) as the secret."""
    head = {"alg": "HS256", "typ": "JWT", "kid": key_id}
    signed = _signed_part(head, payload(token))
    return f"{signed}.{_packed(hmac.digest(public_key, signed.encode(), hashlib.sha256))}"


def _signed_part(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return ".".join(_packed(json.dumps(one).encode()) for one in (header, claims))


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
