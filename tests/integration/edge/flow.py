"""Calls at a fixed rate and streams that stay open: `python flow.py HOST:PORT TOKEN LOW HIGH`.

A process of its own: gRPC's event loops in one process disturb each other, and the test's work must
not slow the load down. Prints what it counts, as JSON, ten times a second, until standard input
ends. A stream brings LOW to HIGH messages, two a second, and is opened again after the last one:
one that ends before, or with an error, was cut.
"""

import asyncio
import json
import random
import ssl
import sys
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


class Flow:
    def __init__(self, address: str, token: str, messages: tuple[int, int]) -> None:
        self._address, self._token, self._messages = address, token, messages
        self._stop = asyncio.Event()
        self.calls, self.streams, self.open = 0, 0, 0
        self.failures: list[str] = []
        self.began = time.monotonic()

    async def run(self) -> None:
        # Channels to one address share a connection unless they are told not to.
        own = [("grpc.use_local_subchannel_pool", 1)]
        async with AsyncExitStack() as stack:
            channels = [
                await stack.enter_async_context(
                    grpc.aio.insecure_channel(self._address, options=own)
                )
                for _ in range(CHANNELS)
            ]
            tasks = [
                *(self._keep_open(channels[n % CHANNELS]) for n in range(STREAMS)),
                *(self._rest() for _ in range(REST)),
                self._report(),
            ]
            running = [asyncio.create_task(task) for task in tasks]
            await self._call_at_rate(channels)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        self._tell()

    async def until_told(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        self._stop.set()

    async def _report(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(0.1)

    def _tell(self) -> None:
        counts = {"calls": self.calls, "streams": self.streams, "open": self.open}
        seconds = time.monotonic() - self.began
        print(
            json.dumps({**counts, "failures": self.failures[:20], "seconds": seconds}), flush=True
        )

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
            base_url=f"http://{self._address}", timeout=20, headers=self._bearer(), verify=NO_TLS
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


async def main(address: str, token: str, low: str, high: str) -> None:
    flow = Flow(address, token, (int(low), int(high)))
    await asyncio.gather(flow.until_told(), flow.run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
