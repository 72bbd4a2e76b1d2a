# ruff: noqa: N802 - servicers name their methods as the proto does.
"""Streams end with their token, with the process, and with their caller."""

import asyncio
import time
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import status_pb2

from bridge.errors import OutOfRange
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.bridge.v1 import event_service_pb2 as events
from causeway.bridge.v1.event_pb2 import Event
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceServicer
from causeway.orders.v1 import order_service_pb2 as orders
from tests.unit.server.conftest import Client, Issuer, Orders, Refusal, connect

WATCH = "/causeway.orders.v1.OrderService/WatchOrder"
REQUEST = orders.WatchOrderRequest(name="orders/1").SerializeToString()


def watch(client: Client, token: str) -> Any:
    return client.channel.unary_stream(WATCH)(REQUEST, metadata=client.metadata(token))


async def end_of(call: Any) -> grpc.aio.AioRpcError:
    async def drain() -> None:
        while await call.read() is not grpc.aio.EOF:
            pass

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await drain()
    return caught.value


async def test_a_stream_ends_within_five_seconds_of_its_tokens_end(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    expires = int(time.time()) + 2
    call = watch(client, issuer.token(exp=expires))
    assert orders.WatchOrderResponse.FromString(await call.read()).order.name == "orders/1"
    error = await end_of(call)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert expires - 0.5 <= time.time() <= expires + 5
    assert servicer.closed.is_set()


async def test_a_stream_ends_with_its_token_also_when_its_reader_does_not_read(
    issuer: Issuer, settings: ServerSettings
) -> None:
    class Flood(EventServiceServicer):
        ended = asyncio.Event()

        async def SubscribeEvents(self, request: Any, context: Any) -> Any:
            try:
                while True:
                    yield events.SubscribeEventsResponse(resume_token="x" * 60_000)
            finally:
                self.ended.set()

    flood = Flood()  # type: ignore[abstract]
    server = Server({"causeway.bridge.v1.EventService": flood}, settings)
    await server.start("127.0.0.1:0")
    try:
        async with connect(server.port) as channel:
            token = issuer.token("auditor", exp=int(time.time()) + 2)
            call = channel.unary_stream("/causeway.bridge.v1.EventService/SubscribeEvents")(
                events.SubscribeEventsRequest(topics=["t"]).SerializeToString(),
                metadata=[("authorization", f"Bearer {token}")],
            )
            await call.read()
            async with asyncio.timeout(7):
                await flood.ended.wait()
            call.cancel()
    finally:
        await server.drain()


async def test_a_caller_that_leaves_ends_the_handler(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    call = watch(client, issuer.token())
    await call.read()
    await servicer.running.wait()
    call.cancel()
    async with asyncio.timeout(5):
        await servicer.closed.wait()


async def test_an_error_late_in_a_stream_keeps_its_status(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    servicer.failure = OutOfRange("that is gone", reason="POSITION_GONE")
    call = watch(client, issuer.token())
    assert orders.WatchOrderResponse.FromString(await call.read()).order.name == "orders/1"
    servicer.release.set()
    refusal = Refusal(await end_of(call))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "POSITION_GONE")
    assert refusal.message == "that is gone"


async def test_a_stream_that_is_through_ends_well(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    servicer.release.set()
    call = watch(client, issuer.token())
    assert await call.read()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


class Echo(EventServiceServicer):
    """Acknowledges what comes in."""

    async def PublishEvents(self, request_iterator: Any, context: Any) -> Any:
        async for request in request_iterator:
            yield events.PublishEventsResponse(up_to=request.sequence)


def echo() -> Echo:
    return Echo()  # type: ignore[abstract]


async def test_each_message_of_a_stream_is_held_against_the_rules(
    issuer: Issuer, settings: ServerSettings
) -> None:
    server = Server({"causeway.bridge.v1.EventService": echo()}, settings)
    await server.start("127.0.0.1:0")
    try:
        async with connect(server.port) as channel:
            call = channel.stream_stream("/causeway.bridge.v1.EventService/PublishEvents")(
                metadata=[("authorization", f"Bearer {issuer.token('publisher')}")]
            )
            good = events.PublishEventsRequest(sequence=7, event=Event(type="t"))
            await call.write(good.SerializeToString())
            assert events.PublishEventsResponse.FromString(await call.read()).up_to == 7
            bad = events.PublishEventsRequest(sequence=-1, event=Event(type="t"))
            await call.write(bad.SerializeToString())
            error = await end_of(call)
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    finally:
        await server.drain()


async def test_a_drain_lets_a_running_call_finish_and_sends_streams_away(
    settings: ServerSettings, servicer: Orders, issuer: Issuer
) -> None:
    server = Server({"causeway.orders.v1.OrderService": servicer}, settings)
    await server.start("127.0.0.1:0")
    async with connect(server.port) as channel:
        metadata = [("authorization", f"Bearer {issuer.token()}")]
        stream = channel.unary_stream(WATCH)(REQUEST, metadata=metadata)
        await stream.read()
        servicer.running.clear()
        slow = channel.unary_unary("/causeway.orders.v1.OrderService/ListProducts")(
            b"", metadata=metadata
        )
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        await servicer.running.wait()
        await server.health.probe()
        assert await health(b"") == b"\x08\x01"
        draining = asyncio.create_task(server.drain())
        await asyncio.sleep(0.02)
        assert await health(b"") == b"\x08\x02"
        error = await end_of(stream)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        assert b"DRAINING" in details
        assert status_pb2.Status.FromString(details).code == 14
        assert not draining.done()
        servicer.release.set()
        assert await slow == b""
        await draining


async def test_a_drain_ends_after_its_grace_even_if_a_call_does_not(
    settings: ServerSettings, servicer: Orders, issuer: Issuer
) -> None:
    short = settings.model_copy(update={"drain_grace": 0.2})
    server = Server({"causeway.orders.v1.OrderService": servicer}, short)
    await server.start("127.0.0.1:0")
    async with connect(server.port) as channel:
        metadata = [("authorization", f"Bearer {issuer.token()}")]
        call = channel.unary_unary("/causeway.orders.v1.OrderService/ListProducts")
        slow = call(b"", metadata=metadata)
        await servicer.running.wait()
        async with asyncio.timeout(3):
            await server.drain()
        with pytest.raises(grpc.aio.AioRpcError):
            await slow
