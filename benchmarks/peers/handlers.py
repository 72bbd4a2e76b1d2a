"""`python -m benchmarks.peers.handlers insert|answer PORT`: grpc.aio with nothing around a handler.

`insert` does one raw INSERT by asyncpg for each order, as the documentation of both shows it.
`answer` takes events and keeps none: what the transport alone costs.
"""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import asyncpg
import grpc.aio

from benchmarks.api_backend import DATABASE
from benchmarks.backend import HOST, order
from benchmarks.sql import queries
from bridge.server.process import run
from bridge.server.serve import signalled
from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_service_pb2_grpc import (
    EventServiceServicer,
    add_EventServiceServicer_to_server,
)
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1.order_service_pb2_grpc import (
    OrderServiceServicer,
    add_OrderServiceServicer_to_server,
)

EACH = 64
"""Events of a stream that are acknowledged together: fewer answers than ours gives are seldom."""


class Inserting(OrderServiceServicer):
    """One row for each order, and the same answer to everybody."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool, self._order, self._insert = pool, order(), queries("append")["bare_insert"]

    async def CreateOrder(self, request: orders.CreateOrderRequest, context: Any) -> orders.Order:  # noqa: N802
        """Insert what was asked for."""
        async with self._pool.acquire() as connection:
            data = request.order.SerializeToString()
            await connection.execute(self._insert, request.request_id, data)
        return self._order


class Answering(EventServiceServicer):
    """Everything is acknowledged, and nothing is done about it."""

    async def PublishEvent(self, request: pb.PublishEventRequest, context: Any) -> event_pb2.Event:  # noqa: N802
        """Give back the event."""
        return request.event

    async def PublishEvents(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.PublishEventsRequest], context: Any
    ) -> AsyncIterator[pb.PublishEventsResponse]:
        """Acknowledge every few."""
        async for request in request_iterator:
            if request.sequence % EACH == 0:
                yield pb.PublishEventsResponse(up_to=request.sequence)


async def insert(listen: str) -> None:
    """Serve orders, with a pool as asyncpg makes it."""
    async with asyncpg.create_pool(os.environ[DATABASE]) as pool:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_OrderServiceServicer_to_server(Inserting(pool), server)  # type: ignore[abstract]
        await _serve(server, listen)


async def answer(listen: str) -> None:
    """Serve events."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_EventServiceServicer_to_server(Answering(), server)  # type: ignore[abstract]
    await _serve(server, listen)


async def _serve(server: grpc.aio.Server, listen: str) -> None:
    server.add_insecure_port(listen)
    await server.start()
    await signalled().wait()
    await server.stop(None)


KINDS: Mapping[str, Callable[[str], Awaitable[None]]] = {"insert": insert, "answer": answer}

if __name__ == "__main__":
    kind, port = sys.argv[1:]
    sys.exit(run(f"bench-{kind}", partial(KINDS[kind], f"{HOST}:{port}")))
