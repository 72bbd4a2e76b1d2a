"""The service verifies every token itself, whatever the edge did before."""

import base64
import json
import time
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from causeway.orders.v1 import order_service_pb2 as orders
from tests.unit.server.conftest import Client, Issuer, Orders

PATH = "/causeway.orders.v1.OrderService/GetOrder"
REQUEST = orders.GetOrderRequest(name="orders/1")
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


async def test_a_valid_token_is_let_in(client: Client, issuer: Issuer, servicer: Orders) -> None:
    answer = await client.call(PATH, REQUEST, issuer.token(), answer=orders.Order)
    assert answer.name == "orders/1"


async def test_no_token_is_refused(client: Client) -> None:
    refusal = await client.refused(PATH, REQUEST)
    assert (refusal.code, refusal.reason) == (UNAUTHENTICATED, "TOKEN_MISSING")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
async def test_alg_none_is_refused(client: Client, issuer: Issuer, alg: str) -> None:
    for signature in (b"", b"x"):
        token = forged({"alg": alg, "kid": issuer.kid}, issuer.claims(), signature)
        assert (await client.refused(PATH, REQUEST, token)).code is UNAUTHENTICATED


@pytest.mark.parametrize("form", ["pem", "der"])
async def test_hs256_with_the_public_key_as_secret_is_refused(
    client: Client, issuer: Issuer, form: str
) -> None:
    import hashlib
    import hmac

    encoding = serialization.Encoding.PEM if form == "pem" else serialization.Encoding.DER
    secret = issuer.keys[issuer.kid].public_key().public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    unsigned = forged({"alg": "HS256", "kid": issuer.kid}, issuer.claims()).rstrip(".")
    tag = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    token = unsigned + "." + base64.urlsafe_b64encode(tag).rstrip(b"=").decode()
    assert (await client.refused(PATH, REQUEST, token)).code is UNAUTHENTICATED


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
async def test_an_algorithm_that_is_not_on_the_list_is_refused(
    client: Client, issuer: Issuer, algorithm: str
) -> None:
    key = issuer.keys[issuer.kid]
    token = jwt.encode(issuer.claims(), key, algorithm, headers={"kid": issuer.kid})
    assert (await client.refused(PATH, REQUEST, token)).code is UNAUTHENTICATED


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "http://127.0.0.1/realms/other"},
        {"iss": "http://127.0.0.1/realms/causeway/"},
        {"iss": None},
        {"aud": "account"},
        {"aud": ["account"]},
        {"aud": []},
        {"aud": None},
        {"azp": "account-console"},
        {"azp": None},
        {"azp": ["causeway-cli"]},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": lambda now: str(now + 200)},
        {"exp": lambda now: now + 3600},
        {"exp": 1e308},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
    # Every process that runs tests must find the same names: none may hold the time.
    ids=lambda changed: "-".join(
        f"{k}={'later' if callable(v) else v}" for k, v in changed.items()
    ),
)
async def test_a_token_with_a_wrong_claim_is_refused(
    client: Client, issuer: Issuer, servicer: Orders, changed: dict[str, Any]
) -> None:
    changed = {k: v(int(time.time())) if callable(v) else v for k, v in changed.items()}
    refusal = await client.refused(PATH, REQUEST, issuer.token(**changed))
    assert refusal.code is UNAUTHENTICATED
    assert not servicer.calls


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -60), ("iat", 60), ("nbf", 60)])
async def test_a_token_out_of_its_time_is_refused(
    client: Client, issuer: Issuer, servicer: Orders, claim: str, seconds: int
) -> None:
    changed: dict[str, Any] = {claim: int(time.time()) + seconds}
    refusal = await client.refused(PATH, REQUEST, issuer.token(**changed))
    assert refusal.code is UNAUTHENTICATED
    assert not servicer.calls


async def test_a_token_with_an_odd_azp_or_roles_claim_breaks_nothing(
    client: Client, issuer: Issuer
) -> None:
    for access in ("customer", ["customer"], {"roles": "customer"}, {"roles": [7, None]}, {}):
        token = issuer.token(realm_access=access)
        create = "/causeway.orders.v1.OrderService/CreateOrder"
        refusal = await client.refused(create, b"", token)
        assert refusal.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_clock_that_is_some_seconds_off_is_granted(client: Client, issuer: Issuer) -> None:
    now = int(time.time())
    await client.call(PATH, REQUEST, issuer.token(exp=now - 5))
    await client.call(PATH, REQUEST, issuer.token(iat=now + 5))


async def test_a_token_that_was_let_in_is_refused_after_its_end(
    client: Client, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token()
    await client.call(PATH, REQUEST, token)
    real = time.time
    monkeypatch.setattr("bridge.server.auth.time.time", lambda: real() + 311)
    refusal = await client.refused(PATH, REQUEST, token)
    assert (refusal.code, refusal.reason) == (UNAUTHENTICATED, "TOKEN_EXPIRED")


async def test_a_refusal_says_for_rest_callers_what_is_asked_for(client: Client) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.call(PATH, REQUEST)
    told = dict(caught.value.trailing_metadata() or ())
    assert told["www-authenticate"] == 'Bearer realm="causeway"'


async def test_two_authorization_headers_are_refused(client: Client, issuer: Issuer) -> None:
    token = issuer.token()
    again = ("authorization", f"Bearer {token}")
    assert (await client.refused(PATH, REQUEST, token, again)).code is UNAUTHENTICATED
    other = ("authorization", "Basic YTpi")
    assert (await client.refused(PATH, REQUEST, token, other)).code is UNAUTHENTICATED


@pytest.mark.parametrize(
    "shape",
    ["{}", "Basic {}", "Bearer  {}", "Bearer {} ", "Bearer {},Bearer {}", "Bearer {}.x", "Bearer"],
)
async def test_an_authorization_of_another_shape_is_refused(
    client: Client, issuer: Issuer, shape: str
) -> None:
    header = ("authorization", shape.format(*[issuer.token()] * shape.count("{}")))
    assert (await client.refused(PATH, REQUEST, None, header)).code is UNAUTHENTICATED


async def test_identity_headers_are_never_read(client: Client) -> None:
    forged_headers = [
        ("x-user", "alice"),
        ("x-jwt-payload", "e30"),
        ("x-forwarded-user", "root"),
        ("x-envoy-peer-metadata", "x"),
    ]
    refusal = await client.refused(PATH, REQUEST, None, *forged_headers)
    assert refusal.code is UNAUTHENTICATED


async def test_a_key_that_the_token_brings_itself_is_not_used(
    client: Client, issuer: Issuer
) -> None:
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(mine.public_key(), as_dict=True)
    for header in (
        {"kid": issuer.kid, "jwk": jwk},
        {"kid": issuer.kid, "jku": "http://127.0.0.1:1/x"},
        {"kid": issuer.kid, "x5u": "http://127.0.0.1:1/x"},
    ):
        token = jwt.encode(issuer.claims(), mine, "RS256", headers=header)
        assert (await client.refused(PATH, REQUEST, token)).code is UNAUTHENTICATED


@pytest.mark.parametrize("kid", [None, "", "../../etc/passwd", "' OR 1=1 --", "no-such-key"])
async def test_an_unknown_kid_is_refused_and_asks_the_issuer_only_now_and_then(
    client: Client, issuer: Issuer, kid: Any
) -> None:
    await client.call(PATH, REQUEST, issuer.token())
    before = issuer.fetches
    header = {} if kid is None else {"kid": kid}
    for _ in range(20):
        token = jwt.encode(issuer.claims(), issuer.keys[issuer.kid], "RS256", headers=header)
        assert (await client.refused(PATH, REQUEST, token)).code is UNAUTHENTICATED
    assert issuer.fetches - before <= 1


async def test_a_valid_signature_with_a_critical_extension_is_refused(
    client: Client, issuer: Issuer
) -> None:
    token = issuer.token(headers={"crit": ["x"], "x": 1})
    assert (await client.refused(PATH, REQUEST, token)).code is UNAUTHENTICATED


@pytest.mark.parametrize(
    "header",
    [b"", b"{", b"[]", b"7", b"null", b"\xff\xfe", b"[" * 4000, b'{"a":' * 900, b"1" * 5000],
    ids=["empty", "cut", "list", "number", "null", "bytes", "deep list", "deep map", "huge number"],
)
async def test_a_header_that_is_no_header_is_refused(
    client: Client, issuer: Issuer, header: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    first = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    token = ".".join([first or "e30", *issuer.token().split(".")[1:]])
    assert (await client.refused(PATH, REQUEST, token)).code is UNAUTHENTICATED
    assert "call.failed" not in caplog.messages


async def test_a_changed_payload_is_refused(client: Client, issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    payload = forged({}, issuer.claims(realm_access={"roles": ["admin"]})).split(".")[1]
    refusal = await client.refused(PATH, REQUEST, f"{header}.{payload}.{signature}")
    assert refusal.code is UNAUTHENTICATED


async def test_a_public_method_asks_for_no_token(client: Client) -> None:
    from causeway.users.v1 import user_service_pb2 as users

    request = users.RegisterUserRequest(username="carol", email="c@example.org", password="p" * 8)
    path = "/causeway.users.v1.UserService/RegisterUser"
    answer = await client.call(path, request, "not.a.token", answer=users.User)
    assert answer.name == "users/new"
