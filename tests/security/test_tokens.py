"""Tokens that are forged, of another time, of another place, or not where a token belongs.

Each case names the status that the edge gives. Past the edge, the service answers every one of
them UNAUTHENTICATED: it trusts no edge.
"""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from jwt.algorithms import RSAAlgorithm

from tests.integration.edge.issuer import Issuer
from tests.security import tokens
from tests.security.callers import (
    AT_THE_EDGE,
    HTTP_OF,
    PROTOCOLS,
    SERVICE,
    UNAUTHENTICATED,
    Operation,
    Ports,
    Told,
    bearer,
    leaks,
)
from tests.security.conftest import ORDER
from tests.security.http1 import Headers
from tests.security.tokens import by_issuer, by_stranger, header, hmac_with, public, unsigned

Forge = Callable[[Issuer], str]


def stranger_jwk() -> dict[str, Any]:
    return RSAAlgorithm.to_jwk(tokens.STRANGER.public_key(), as_dict=True) | {"kid": "mine"}


ALGORITHMS = ("none", "None", "NONE", "nOnE", "", None, ["RS256"], 7)
FORGED: dict[str, Forge] = {
    **{f"alg {alg!r}, unsigned": partial(unsigned, alg=alg) for alg in ALGORITHMS},
    **{
        f"alg {alg!r}, with a signature": partial(unsigned, alg=alg, signature="AAAA")
        for alg in ALGORITHMS
    },
    "HS256 with the public key as PEM": lambda i: hmac_with(i, public(i, Encoding.PEM)),
    "HS256 with the PEM less its last newline": lambda i: hmac_with(
        i, public(i, Encoding.PEM).rstrip()
    ),
    "HS256 with the public key as DER": lambda i: hmac_with(i, public(i, Encoding.DER)),
    "HS256 with the JWKS": lambda i: hmac_with(i, i.jwks()),
    "HS256 with nothing": lambda i: hmac_with(i, b""),
    "HS384 with the public key": lambda i: hmac_with(i, public(i, Encoding.PEM), "HS384"),
    "HS512 with the public key": lambda i: hmac_with(i, public(i, Encoding.PEM), "HS512"),
    "a stranger's key under our kid": by_stranger,
    "a stranger's key under no kid": lambda i: by_stranger(i, kid=None),
    "a kid that is a path": lambda i: by_stranger(i, kid="../../../../dev/null"),
    "a kid that is SQL": lambda i: by_stranger(i, kid="x' UNION SELECT 'key' -- "),
    "a kid that is a command": lambda i: by_stranger(i, kid="|/bin/true"),
    "a kid that is no text": lambda i: by_stranger(i, kid=[i.kid]),
    "a kid that is 8,000 long": lambda i: by_stranger(i, kid="k" * 4000),
    "a key that it brings along": lambda i: by_stranger(i, jwk=stranger_jwk(), kid="mine"),
    "a key that it brings along under our kid": lambda i: by_stranger(i, jwk=stranger_jwk()),
    "a certificate that it brings along": lambda i: by_stranger(i, x5c=["MIIB"]),
    "our signature, RS512 in the header": lambda i: by_issuer(i, alg="RS512"),
    "our signature, PS256 in the header": lambda i: by_issuer(i, alg="PS256"),
    "our signature, ES256 in the header": lambda i: by_issuer(i, alg="ES256"),
    "a critical extension that we don't know": lambda i: by_issuer(i, crit=["b64"], b64=False),
    "no kid": lambda i: by_issuer(i, kid=None),
    "claims exchanged under a signature": lambda i: spliced(i),
    "a signature cut short": lambda i: i.token("operator")[:-9],
    "no signature": lambda i: i.token("operator").rpartition(".")[0] + ".",
    "two parts": lambda i: i.token("operator").rpartition(".")[0],
    "four parts": lambda i: i.token("operator") + ".AAAA",
    "five parts, as if it were encrypted": lambda i: i.token("operator") + ".AAAA.AAAA",
    "a header that says alg twice": lambda i: tokens.signed(
        tokens.STRANGER,
        b'{"alg":"RS256","alg":"none","kid":"%s"}' % i.kid.encode(),
        i.claims("operator"),
    ),
    "a header that is no JSON": lambda i: tokens.signed(i.key, b"{", i.claims("operator")),
    "claims that are no JSON": lambda i: tokens.signed(i.key, header(i), b"{"),
    "claims that are a list": lambda i: tokens.signed(i.key, header(i), [i.claims("operator")]),
    "claims nested deep": lambda i: tokens.signed(i.key, header(i), b"[" * 3000 + b"]" * 3000),
    "no token at all, only dots": lambda _: "..",
}


def spliced(issuer: Issuer) -> str:
    """The signature of a customer's token under an operator's claims."""
    _, _, signature = issuer.token("customer").split(".")
    return f"{tokens.body(header(issuer), issuer.claims('operator'))}.{signature}"


def now(seconds: float = 0) -> int:
    return int(time.time() + seconds)


CLAIMS: dict[str, tuple[dict[str, Any], int]] = {
    "expired a minute ago": ({"exp": now(-60)}, 401),
    "expired long ago": ({"exp": 1}, 401),
    "expired before time": ({"exp": -1}, 401),
    "not valid yet": ({"nbf": now(3600)}, 401),
    "issued in the future": ({"iat": now(3600)}, 401),
    "without exp": ({"exp": None}, 401),
    "exp in a year": ({"exp": now(31_536_000)}, 401),
    "exp in an hour": ({"exp": now(3600)}, 401),
    "exp beyond 64 bits": ({"exp": 2**70}, 401),
    "exp infinite": ({"exp": 1e308}, 401),
    "exp as text": ({"exp": str(now(300))}, 401),
    "exp true": ({"exp": True}, 401),
    "exp a list": ({"exp": [now(300)]}, 401),
    "of another issuer": ({"iss": "http://elsewhere/realms/causeway"}, 401),
    "of another realm": ({"iss": "http://127.0.0.1/realms/master"}, 401),
    "of an issuer with a slash": ({"iss": "{iss}/"}, 401),
    "of an issuer in capitals": ({"iss": "{ISS}"}, 401),
    "of an issuer that begins like ours": ({"iss": "{iss}.evil.example"}, 401),
    "of no issuer": ({"iss": None}, 401),
    "of two issuers": ({"iss": ["{iss}", "http://elsewhere"]}, 401),
    "for another audience": ({"aud": "account"}, 403),
    "for other audiences": ({"aud": ["account", "realm-management"]}, 403),
    "for an audience that begins like ours": ({"aud": "causeway-api-2"}, 403),
    "for our audience in capitals": ({"aud": "CAUSEWAY-API"}, 403),
    "for no audience": ({"aud": None}, 403),
    "for an empty list of audiences": ({"aud": []}, 403),
    "of another client": ({"azp": "account-console"}, 403),
    "of a client that begins like ours": ({"azp": "causeway-cli-2"}, 403),
    "of no client": ({"azp": None}, 403),
    "of a list of clients": ({"azp": ["causeway-cli"]}, 403),
    "that is an ID token": ({"typ": "ID"}, 403),
    "that is a refresh token": ({"typ": "Refresh"}, 403),
    "that is an offline token": ({"typ": "Offline"}, 403),
    "that is a logout token": ({"typ": "Logout"}, 403),
    "of no type": ({"typ": None}, 403),
    "of a type in small letters": ({"typ": "bearer"}, 403),
    "of nobody": ({"sub": None}, 403),
    "of a list of subjects": ({"sub": ["somebody"]}, 401),
    "of an empty subject": ({"sub": ""}, 401),
}


def claims_of(issuer: Issuer, changed: dict[str, Any]) -> dict[str, Any]:
    """The changed claims with our issuer's name where the case plays with it."""
    written = json.dumps(changed).replace("{iss}", issuer.issuer)
    claims: dict[str, Any] = json.loads(written.replace("{ISS}", issuer.issuer.upper()))
    return claims


def assert_refused(told: Told, http: int, protocol: str) -> None:
    """REST tells HTTP's status too; past the edge there is one answer to every bad token."""
    code = {status: code for code, status in HTTP_OF.items()}[http]
    if protocol == SERVICE:
        code = UNAUTHENTICATED
    assert told.code == code, told
    if protocol.startswith("REST"):
        assert told.http == http, told
        if http == 401:
            assert "www-authenticate" in told.text
    assert not leaks(told), told


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("case", FORGED)
def test_a_forged_token_is_refused(ports: Ports, issuer: Issuer, case: str, protocol: str) -> None:
    told = PROTOCOLS[protocol](ports, ORDER, bearer(FORGED[case](issuer)))
    assert_refused(told, 401, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("case", CLAIMS)
def test_a_token_that_says_something_else_is_refused(
    ports: Ports, issuer: Issuer, case: str, protocol: str
) -> None:
    changed, http = CLAIMS[case]
    claims = issuer.claims("operator", **claims_of(issuer, changed))
    token = tokens.signed(issuer.key, header(issuer), claims)
    assert_refused(PROTOCOLS[protocol](ports, ORDER, bearer(token)), http, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_a_key_is_not_fetched_from_where_the_token_says(
    ports: Ports, issuer: Issuer, name: str, protocol: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.2)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/certs"
        token = by_stranger(issuer, **{name: url, "kid": "mine"})
        assert_refused(PROTOCOLS[protocol](ports, ORDER, bearer(token)), 401, protocol)
        with pytest.raises(TimeoutError):
            trap.accept()


ELSEWHERE: dict[str, Callable[[str], Headers]] = {
    "in a cookie": lambda t: (("cookie", f"access_token={t}; token={t}"),),
    "in proxy-authorization": lambda t: (("proxy-authorization", f"Bearer {t}"),),
    "in x-access-token": lambda t: (("x-access-token", t),),
    "in x-forwarded-access-token": lambda t: (("x-forwarded-access-token", t),),
    "without a scheme": lambda t: (("authorization", t),),
    "as Basic": lambda t: (("authorization", f"Basic {t}"),),
    "as Basic with a made-up user": lambda t: (
        ("authorization", f"Basic {tokens.text(f'token:{t}'.encode())}"),
    ),
    "as DPoP": lambda t: (("authorization", f"DPoP {t}"),),
    "with two spaces": lambda t: (("authorization", f"Bearer  {t}"),),
    "with something behind": lambda t: (("authorization", f"Bearer {t} x"),),
    "twice": lambda t: (*bearer(t), *bearer(t)),
    "before one that is none": lambda t: (*bearer(t), *bearer("a.b.c")),
    "after one that is none": lambda t: (*bearer("a.b.c"), *bearer(t)),
    "before Basic": lambda t: (*bearer(t), ("authorization", "Basic YTpi")),
    "after Basic": lambda t: (("authorization", "Basic YTpi"), *bearer(t)),
    "twice, joined by a comma": lambda t: (("authorization", f"Bearer {t},Bearer {t}"),),
    "behind Basic and a comma": lambda t: (("authorization", f"Basic YTpi, Bearer {t}"),),
    "before a comma and Basic": lambda t: (("authorization", f"Bearer {t}, Basic YTpi"),),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_good_token_counts_only_once_and_in_its_place(
    ports: Ports, issuer: Issuer, place: str, protocol: str
) -> None:
    told = PROTOCOLS[protocol](ports, ORDER, ELSEWHERE[place](issuer.token("operator")))
    assert_refused(told, 401, protocol)


def queried(call: Operation, query: str) -> Operation:
    return replace(call, path=f"{call.path}?{query}", rest=f"{call.rest}?{query}")


@pytest.mark.parametrize("protocol", AT_THE_EDGE)
@pytest.mark.parametrize("name", ["access_token", "token", "jwt", "Authorization", "bearer"])
def test_a_token_in_the_query_is_none(
    ports: Ports, issuer: Issuer, name: str, protocol: str
) -> None:
    call = queried(ORDER, f"{name}={issuer.token('operator')}")
    assert_refused(AT_THE_EDGE[protocol](ports, call, ()), 401, protocol)


@pytest.mark.parametrize("protocol", AT_THE_EDGE)
@pytest.mark.parametrize("name", ["access_token", "token", "jwt"])
def test_a_token_in_the_query_beside_one_in_the_header_is_refused(
    ports: Ports, issuer: Issuer, name: str, protocol: str
) -> None:
    token = issuer.token("operator")
    told = AT_THE_EDGE[protocol](ports, queried(ORDER, f"{name}={token}"), bearer(token))
    # No field has that name; and no gRPC method has a query.
    assert_refused(told, 400 if protocol.startswith("REST") else 403, protocol)


def test_the_honest_token_beside_them_is_let_in(ports: Ports, issuer: Issuer) -> None:
    headers = bearer(by_issuer(issuer))
    assert {send(ports, ORDER, headers).code for send in PROTOCOLS.values()} == {0}
