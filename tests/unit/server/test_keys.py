"""Keys of the issuer: rotated, removed, away."""

import asyncio
import socket
from typing import Any

import grpc
import grpc.aio
import pytest

from bridge import logs
from bridge.errors import Unauthenticated, Unavailable
from bridge.server.keys import KeySet, parse
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2 as orders
from tests.unit.server.conftest import Client, Issuer, Orders, connect

PATH = "/causeway.orders.v1.OrderService/GetOrder"
REQUEST = orders.GetOrderRequest(name="orders/1")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> KeySet:
    return KeySet(issuer.url, clock=clock)


async def test_a_new_key_is_fetched_when_a_token_names_it(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    await keys.find(issuer.kid)
    issuer.rotate(keep=True)
    clock.now += 5
    assert await keys.find(issuer.kid)
    assert issuer.fetches == 2


async def test_a_key_that_was_removed_is_refused_after_a_minute_at_the_latest(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    old = issuer.kid
    await keys.find(old)
    issuer.rotate()
    clock.now += 59.9
    assert await keys.find(old)
    clock.now += 0.1
    with pytest.raises(Unauthenticated):
        await keys.find(old)


async def test_keys_do_not_count_longer_because_the_issuer_is_away(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    await keys.find(issuer.kid)
    issuer.up = False
    clock.now += 60
    with pytest.raises(Unavailable):
        await keys.find(issuer.kid)
    issuer.up = True
    clock.now += 1
    assert await keys.find(issuer.kid)


async def test_many_unknown_keys_at_once_ask_the_issuer_once(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    await keys.find(issuer.kid)
    clock.now += 5
    answers = await asyncio.gather(*(keys.find(str(n)) for n in range(50)), return_exceptions=True)
    assert all(isinstance(answer, Unauthenticated) for answer in answers)
    assert issuer.fetches == 2


async def test_a_key_that_keeps_its_id_but_not_its_value_is_a_new_key(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    before = await keys.find(issuer.kid)
    kid = issuer.kid
    issuer.rotate()
    issuer.keys[kid] = issuer.keys.pop(issuer.kid)
    await keys.fetch()
    assert await keys.find(kid) is not before
    same = await keys.find(kid)
    await keys.fetch()
    assert await keys.find(kid) is same


async def test_why_the_keys_cannot_be_had_is_said_once_until_it_changes(
    keys: KeySet, issuer: Issuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, dict[str, Any]]] = []

    def keep(event: str, **fields: Any) -> None:
        said.append((event, fields))

    monkeypatch.setattr(logs, "warning", keep)
    monkeypatch.setattr(logs, "info", keep)
    issuer.up = False
    for _ in range(3):
        assert not await keys.fetch()
    refused = ("keys.unreachable", {"url": issuer.url, "error": "HTTP 503", "fresh": False})
    assert said == [refused]
    issuer.up = True
    assert await keys.fetch()
    assert said[1] == ("keys.reached", {"url": issuer.url})
    issuer.up = False
    assert not await keys.fetch()
    clock.now += 60
    assert not await keys.fetch()
    warnings = [fields["fresh"] for event, fields in said if event == "keys.unreachable"]
    assert warnings == [False, True, False]


async def test_an_issuer_that_does_not_listen_is_named_with_the_error_of_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(logs, "warning", lambda _, **fields: said.append(fields))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/certs"
        assert not await KeySet(url).fetch()
    [fields] = said
    assert fields["url"] == url
    assert fields["error"].startswith("ConnectError: ")


def test_only_signing_keys_of_the_allowed_algorithm_are_taken(issuer: Issuer) -> None:
    (good,) = issuer.jwks()["keys"]
    others = [
        good | {"kid": "enc", "use": "enc", "alg": "RSA-OAEP"},
        good | {"kid": "ps", "alg": "PS256"},
        {"kid": "oct", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {key: value for key, value in good.items() if key != "kid"},
    ]
    assert set(parse({"keys": [good, *others]})) == {issuer.kid}


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        None,
        {"kid": "a", "kty": "RSA"},
        {"kid": "a", "kty": "RSA", "n": 1, "e": "AQAB"},
        {"kid": "a", "kty": "RSA", "n": "é", "e": "AQAB"},
        {"kid": "a", "kty": "RSA", "n": "", "e": ""},
        {"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB", "d": [1], "oth": 1},
        {"kid": "a", "kty": "RSA", "alg": ["RS256"]},
    ],
)
def test_an_entry_that_cannot_be_read_does_not_cost_the_others(issuer: Issuer, bad: Any) -> None:
    (good,) = issuer.jwks()["keys"]
    assert set(parse({"keys": [bad, good, bad]})) == {issuer.kid}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"keys": []},
        [],
        None,
        {"keys": [{"kty": "RSA"}]},
        {"keys": None},
        {"keys": 1},
        {"keys": "x"},
        {"keys": ["x"]},
        {"keys": {"x": "y"}},
    ],
)
def test_a_document_without_a_signing_key_is_an_error(document: Any) -> None:
    with pytest.raises(ValueError, match="no signing key"):
        parse(document)


async def test_a_server_starts_without_its_issuer_and_heals_by_itself(
    settings: ServerSettings, servicer: Orders, issuer: Issuer
) -> None:
    issuer.up = False
    server = Server({"causeway.orders.v1.OrderService": servicer}, settings)
    await server.start("127.0.0.1:0")
    try:
        async with connect(server.port) as channel:
            call = channel.unary_unary(PATH)
            metadata = [("authorization", f"Bearer {issuer.token()}")]
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(REQUEST.SerializeToString(), metadata=metadata)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            health = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert await health(b"") == b"\x08\x02"
            issuer.up = True
            watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
            async with asyncio.timeout(5):
                while await watch.read() != b"\x08\x01":
                    pass
            watch.cancel()
            assert await call(REQUEST.SerializeToString(), metadata=metadata)
    finally:
        await server.drain()


async def test_a_remembered_token_is_refused_once_its_key_is_gone(
    client: Client, server: Server, issuer: Issuer
) -> None:
    token = issuer.token()
    await client.call(PATH, REQUEST, token)
    issuer.rotate()
    await server._keys.fetch()
    assert (await client.refused(PATH, REQUEST, token)).code is grpc.StatusCode.UNAUTHENTICATED
    await client.call(PATH, REQUEST, issuer.token())
