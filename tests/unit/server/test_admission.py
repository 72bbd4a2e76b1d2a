"""What is open at once: of one subject, of all streams, of the process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import grpc.aio
import pydantic
import pytest

from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2 as orders
from tests.unit.server.conftest import Client, Issuer, Orders, Refusal, connect

WATCH = "/causeway.orders.v1.OrderService/WatchOrder"
GET = "/causeway.orders.v1.OrderService/GetOrder"
SLOW = "/causeway.orders.v1.OrderService/ListProducts"
CHECK = "/grpc.health.v1.Health/Check"
ORDER = orders.GetOrderRequest(name="orders/1")
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


class Watcher(Client):
    """Opens streams and reads their first answer, so that each is known to be open."""

    async def watch(self, token: str) -> Any:
        request = orders.WatchOrderRequest(name="orders/1").SerializeToString()
        call = self.channel.unary_stream(WATCH)(request, metadata=self.metadata(token), timeout=15)
        assert orders.WatchOrderResponse.FromString(await call.read()).order.name == "orders/1"
        return call

    async def refused_watch(self, token: str) -> Refusal:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.watch(token)
        return Refusal(caught.value)

    async def watch_soon(self, token: str) -> Any:
        """A stream, once the server knows that the one before is over."""
        async with asyncio.timeout(5):
            while True:
                with suppress(grpc.aio.AioRpcError):
                    return await self.watch(token)
                await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(
    settings: ServerSettings, servicer: Orders, **limits: int
) -> AsyncIterator[tuple[Server, Watcher]]:
    server = Server(
        {"causeway.orders.v1.OrderService": servicer}, settings.model_copy(update=limits)
    )
    await server.start("127.0.0.1:0")
    async with connect(server.port) as channel:
        yield server, Watcher(channel)
    servicer.release.set()
    await server.drain()


async def test_a_subject_has_no_more_than_its_streams_and_takes_none_from_others(
    settings: ServerSettings, servicer: Orders, issuer: Issuer
) -> None:
    async with serving(settings, servicer, max_streams_per_subject=2) as (_, client):
        alice, again = issuer.token(), issuer.token(iat=int(time.time()) - 1)
        held = [await client.watch(alice), await client.watch(again)]
        refusal = await client.refused_watch(alice)
        assert (refusal.code, refusal.reason) == (EXHAUSTED, "TOO_MANY_STREAMS")
        assert await client.call(GET, ORDER, alice)
        held.append(await client.watch(issuer.token(sub="bob")))
        assert not any(call.done() for call in held)


async def cancelled(_servicer: Orders, call: Any) -> None:
    call.cancel()


async def through(servicer: Orders, call: Any) -> None:
    servicer.release.set()
    assert await call.read() is grpc.aio.EOF


async def failed(servicer: Orders, call: Any) -> None:
    servicer.failure = ValueError("broken")
    servicer.release.set()
    with pytest.raises(grpc.aio.AioRpcError):
        await call.read()


async def with_its_token(_servicer: Orders, call: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("end", [cancelled, through, failed, with_its_token])
async def test_a_stream_gives_its_place_back_however_it_ends(
    settings: ServerSettings,
    servicer: Orders,
    issuer: Issuer,
    end: Callable[[Orders, Any], Awaitable[None]],
) -> None:
    limits = {"max_streams_per_subject": 1, "max_open_streams": 1}
    async with serving(settings, servicer, **limits) as (_, client):
        life = 2 if end is with_its_token else 60
        call = await client.watch(issuer.token(exp=int(time.time()) + life))
        await end(servicer, call)
        servicer.failure = None
        assert await client.watch_soon(issuer.token())


async def test_all_streams_together_leave_room_for_calls(
    settings: ServerSettings, servicer: Orders, issuer: Issuer
) -> None:
    async with serving(settings, servicer, max_open_streams=2) as (_, client):
        held = [await client.watch(issuer.token(sub=name)) for name in ("alice", "bob")]
        refusal = await client.refused_watch(issuer.token(sub="carol"))
        assert (refusal.code, refusal.reason) == (EXHAUSTED, "TOO_MANY_CALLS")
        assert await client.call(GET, ORDER, issuer.token(sub="carol"))
        assert not any(call.done() for call in held)


async def test_health_is_told_also_when_no_call_is_left(
    settings: ServerSettings, servicer: Orders, issuer: Issuer
) -> None:
    async with serving(settings, servicer, max_concurrent_calls=1) as (server, client):
        await server.health.probe()
        slow = client.channel.unary_unary(SLOW)(b"", metadata=client.metadata(issuer.token()))
        await servicer.running.wait()
        refusal = await client.refused(GET, ORDER, issuer.token())
        assert (refusal.code, refusal.reason) == (EXHAUSTED, "TOO_MANY_CALLS")
        assert await client.call(CHECK, b"") == b"\x08\x01"
        servicer.release.set()
        assert await slow == b""
        assert await client.call(GET, ORDER, issuer.token())


def test_streams_never_get_all_calls(settings: ServerSettings) -> None:
    assert settings.max_streams_per_subject == 50
    assert settings.max_open_streams < settings.max_concurrent_calls
    with pytest.raises(pydantic.ValidationError, match="max_open_streams must be smaller"):
        ServerSettings(**settings.model_dump() | {"max_open_streams": 2000})
