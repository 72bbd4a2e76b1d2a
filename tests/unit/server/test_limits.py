"""Limits of the transport and of the process."""

import asyncio

import grpc
import grpc.aio
import pytest

from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2 as orders
from tests.unit.server.conftest import Client, Issuer, Orders, connect

GET = "/causeway.orders.v1.OrderService/GetOrder"
SLOW = "/causeway.orders.v1.OrderService/ListProducts"
REQUEST = orders.GetOrderRequest(name="orders/1")
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_more_calls_than_the_process_takes_are_refused_at_once(
    settings: ServerSettings, servicer: Orders, issuer: Issuer
) -> None:
    few = settings.model_copy(update={"max_concurrent_calls": 1})
    server = Server({"causeway.orders.v1.OrderService": servicer}, few)
    await server.start("127.0.0.1:0")
    async with connect(server.port) as channel:
        metadata = [("authorization", f"Bearer {issuer.token()}")]
        first = channel.unary_unary(SLOW)(b"", metadata=metadata)
        await servicer.running.wait()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(SLOW)(b"", metadata=metadata, timeout=5)
        assert caught.value.code() is EXHAUSTED
        servicer.release.set()
        assert await first == b""
    await server.drain()


async def test_streams_beyond_the_limit_of_a_connection_wait_for_a_free_one(
    settings: ServerSettings, servicer: Orders, issuer: Issuer
) -> None:
    few = settings.model_copy(update={"max_concurrent_streams": 2})
    server = Server({"causeway.orders.v1.OrderService": servicer}, few)
    await server.start("127.0.0.1:0")
    async with connect(server.port) as channel:
        metadata = [("authorization", f"Bearer {issuer.token()}")]
        # The limit counts once the server's settings have arrived.
        await channel.unary_unary(GET)(REQUEST.SerializeToString(), metadata=metadata)
        held = [channel.unary_unary(SLOW)(b"", metadata=metadata) for _ in range(2)]
        await servicer.running.wait()
        third = channel.unary_unary(GET)(REQUEST.SerializeToString(), metadata=metadata)
        done, _ = await asyncio.wait([asyncio.ensure_future(third.code())], timeout=0.3)
        assert not done
        servicer.release.set()
        assert await third
        await asyncio.gather(*held)
    await server.drain()


async def test_metadata_beyond_its_size_is_refused(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    refusal = await client.refused(GET, REQUEST, issuer.token(), ("x-padding", "x" * 20_000))
    assert refusal.code is EXHAUSTED
    assert not servicer.calls


async def test_a_token_beyond_its_size_is_refused_unread(client: Client, issuer: Issuer) -> None:
    refusal = await client.refused(GET, REQUEST, issuer.token(padding="x" * 7000))
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
