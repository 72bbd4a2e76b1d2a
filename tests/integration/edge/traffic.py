"""Calls at a fixed rate and streams that stay open, through one edge, for as long as a test likes.

A stream has a number of messages that it is to bring, and is opened again after the last one: one
that ends before, or with an error, was cut.
"""

import asyncio
import random
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc.aio
import httpx

from causeway.orders.v1.order_service_pb2 import (
    GetOrderRequest,
    WatchOrderRequest,
    WatchOrderResponse,
)
from tests.integration.edge import bench
from tests.integration.edge.bench import HOST, Running

GET = "/causeway.orders.v1.OrderService/GetOrder"
WATCH = "/causeway.orders.v1.OrderService/WatchOrder"
RATE = 200
STREAMS = 50
CHANNELS = 4
REST = 4
"""Connections that carry REST, one call at a time each: a pool of httpx is slow when it is full."""
SHARE = 0.25
"""Of the calls that come as REST."""
PENDING = 400
"""Calls in flight at most: two seconds' worth; beyond that it is the generator that is late."""
NO_TLS = ssl.create_default_context()


class Traffic:
    """`with Traffic(edge, token, messages=(6, 12)) as traffic:`; messages come two a second."""

    def __init__(self, edge: Running, token: str, messages: tuple[int, int]) -> None:
        self._edge, self._token, self._messages = edge, token, messages
        self._stop = threading.Event()
        self.calls, self.streams, self.open = 0, 0, 0
        self.failures: list[str] = []
        self.began = 0.0

    def __enter__(self) -> "Traffic":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert bench.until(lambda: self.open == STREAMS and self.calls > RATE, 30), self.failures
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def go_on(self, seconds: float) -> None:
        """Let it flow; returns when as many calls were answered as belong to that time."""
        wanted = self.calls + int(RATE * seconds)
        assert bench.until(lambda: self.calls >= wanted or bool(self.failures), 10 * seconds + 20)

    async def _run(self) -> None:
        address = f"{HOST}:{self._edge.deployment.listen.port}"
        async with AsyncExitStack() as stack:
            channels = [
                # Channels to one address share a connection unless they are told not to.
                await stack.enter_async_context(
                    grpc.aio.insecure_channel(
                        address, options=[("grpc.use_local_subchannel_pool", 1)]
                    )
                )
                for _ in range(CHANNELS)
            ]
            tasks = [
                *(self._keep_open(channels[n % CHANNELS]) for n in range(STREAMS)),
                *(self._rest() for _ in range(REST)),
            ]
            running = [asyncio.create_task(task) for task in tasks]
            await self._call_at_rate(channels)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _call_at_rate(self, channels: list[grpc.aio.Channel]) -> None:
        pending: set[asyncio.Task[None]] = set()
        self.began = time.monotonic()
        number = 0
        while not self._stop.is_set():
            # By the clock, not after the last answer: a pause of the edge must not lower the load.
            due = (time.monotonic() - self.began) * RATE * (1 - SHARE)
            while number < due and len(pending) < PENDING:
                task = asyncio.create_task(self._grpc(channels[number % CHANNELS]))
                pending.add(task)
                task.add_done_callback(pending.discard)
                number += 1
            await asyncio.sleep(0.005)
        await asyncio.gather(*pending)

    async def _rest(self) -> None:
        pause, number, begun = REST / (RATE * SHARE), 0, time.monotonic()
        async with httpx.AsyncClient(
            base_url=self._edge.url, timeout=20, headers=self._bearer(), verify=NO_TLS
        ) as http:
            while True:
                number += 1
                await self._get(http)
                await asyncio.sleep(max(0.0, begun + number * pause - time.monotonic()))

    async def _get(self, http: httpx.AsyncClient) -> None:
        try:
            answer = await http.get("/v1/orders/7")
            if answer.status_code != httpx.codes.OK:
                self.failures.append(f"REST {answer.status_code}: {answer.text}")
        except httpx.HTTPError as error:
            self.failures.append(f"REST {error!r}")
        self.calls += 1

    async def _grpc(self, channel: grpc.aio.Channel) -> None:
        call = channel.unary_unary(GET, GetOrderRequest.SerializeToString, lambda body: body)
        try:
            await call(GetOrderRequest(name="orders/7"), metadata=self._metadata(), timeout=20)
        except grpc.aio.AioRpcError as error:
            self.failures.append(f"gRPC {error.code().name}: {error.details()}")
        self.calls += 1

    async def _keep_open(self, channel: grpc.aio.Channel) -> None:
        watch = channel.unary_stream(
            WATCH, WatchOrderRequest.SerializeToString, WatchOrderResponse.FromString
        )
        while True:
            wanted = random.randint(*self._messages)  # noqa: S311 (no secret)
            request = WatchOrderRequest(name=f"orders/steady-{wanted}")
            got = 0
            try:
                async for _ in self._counted(watch(request, metadata=self._metadata())):
                    got += 1
            except grpc.aio.AioRpcError as error:
                self.failures.append(f"stream {error.code().name}: {error.details()}")
                await asyncio.sleep(1)
            if got != wanted:
                self.failures.append(f"stream of {wanted} messages ended after {got}")
            self.streams += 1

    async def _counted(
        self, stream: "grpc.aio.UnaryStreamCall[Any, WatchOrderResponse]"
    ) -> AsyncIterator[WatchOrderResponse]:
        """Pass the messages on, and count the stream as open from its first one on."""
        begun = False
        try:
            async for message in stream:
                self.open += not begun
                begun = True
                yield message
        finally:
            self.open -= begun

    def _bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"}

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._bearer().items())
