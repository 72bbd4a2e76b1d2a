"""Whose token counts no more is refused, call or stream, and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from bridge.kafka.settings import KafkaSettings
from bridge.server.barred import Barred
from bridge.server.deactivations import Deactivations
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2 as orders
from tests.unit.server.conftest import Client, Issuer, Orders, Refusal, connect
from tests.unit.server.test_streams import end_of, watch

GET = "/causeway.orders.v1.OrderService/GetOrder"
REQUEST = orders.GetOrderRequest(name="orders/1")
SERVING = b"\x08\x01"
ANN, BOB = "11111111-aaaa", "22222222-bbbb"


@pytest.fixture
def barred(server: Server) -> Barred:
    return server._barred


async def test_a_subject_that_is_barred_is_refused_and_another_is_not(
    client: Client, issuer: Issuer, barred: Barred
) -> None:
    token = issuer.token(sub=ANN)
    await client.call(GET, REQUEST, token)
    barred.bar(ANN)
    refusal = await client.refused(GET, REQUEST, token)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "USER_DEACTIVATED")
    await client.call(GET, REQUEST, issuer.token(sub=BOB))


async def test_open_streams_of_a_barred_subject_end_at_once_and_those_of_others_go_on(
    client: Client, issuer: Issuer, servicer: Orders, barred: Barred
) -> None:
    of_ann, of_bob = watch(client, issuer.token(sub=ANN)), watch(client, issuer.token(sub=BOB))
    await of_ann.read()
    await of_bob.read()
    barred.bar(ANN)
    async with asyncio.timeout(2):
        error = await end_of(of_ann)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert Refusal(error).reason == "USER_DEACTIVATED"
    servicer.release.set()
    assert await of_bob.read() is grpc.aio.EOF


def test_a_subject_is_remembered_for_its_time_and_forgotten_after_it() -> None:
    now = 0.0
    barred = Barred(10, clock=lambda: now)
    barred.bar("a")
    now = 5.0
    barred.bar("b")
    barred.bar("a")
    now = 14.9
    assert barred.bars("a")
    assert barred.bars("b")
    now = 15.1
    assert not barred.bars("a")
    barred.bar("c")
    assert list(barred._until) == ["c"]


@pytest.fixture
async def without_kafka(issuer: Issuer, settings: ServerSettings) -> AsyncIterator[Any]:
    nowhere = KafkaSettings("127.0.0.1:1")
    following = Deactivations(nowhere, "causeway.users.v1", "an.Event", 300, patience=1)
    server = Server(
        {"causeway.orders.v1.OrderService": Orders()},  # type: ignore[abstract]
        settings,
        deactivations=following,
    )
    await server.start("127.0.0.1:0")
    yield server
    await server.drain()


async def test_while_kafka_is_away_a_process_becomes_ready_and_serves(
    without_kafka: Server, issuer: Issuer
) -> None:
    async with asyncio.timeout(10), connect(without_kafka.port) as channel:
        watching = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
        while await watching.read() != SERVING:
            continue
        watching.cancel()
        await Client(channel).call(GET, REQUEST, issuer.token())
    assert not without_kafka.tasks.failed.is_set()


@pytest.mark.parametrize("name", ["topic", "topic/", "/Type", "a/b/c"])
def test_a_setting_that_names_no_event_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="deactivations"):
        ServerSettings.model_validate(
            {
                "issuer": "i",
                "jwks": "j",
                "clients": "c",
                "signing_key": "0123456789abcdef",
                "deactivations": name,
            }
        )
