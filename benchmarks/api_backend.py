"""`python -m benchmarks.api_backend orders|insert PORT`: a whole service, and what it is beside.

`orders` is Orders as the platform runs it, on a database and a topic of the benchmark (`BENCH_*`)
and with schema ids that nobody asked the registry for. `insert` is grpc.aio with nothing around a
handler that does one raw INSERT by asyncpg, as the documentation of both shows it.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import asyncpg
import grpc.aio

from benchmarks.backend import HOST, order
from benchmarks.parts import catalog_on, store_on
from benchmarks.sql import queries
from bridge.changes import Changes
from bridge.database import answers, open_pool
from bridge.outages import translate
from bridge.server.process import run
from bridge.server.serve import serve, signalled
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import events_pb2
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1 import order_service_pb2_grpc as orders_grpc
from services.orders.bootstrap import CONNECTIONS, servicers
from services.orders.order_log import OrderLog
from services.orders.watch import CHANNEL

DATABASE, TOPIC = "BENCH_DATABASE", "BENCH_TOPIC"


async def whole_orders(listen: str) -> None:
    """Serve as `services.orders.bootstrap` does."""
    dsn, server = os.environ[DATABASE], ServerSettings.model_validate({})
    log = OrderLog(store_on(catalog_on(os.environ[TOPIC], events_pb2)))
    async with await open_pool(dsn, max_size=CONNECTIONS) as pool:
        changes = Changes(dsn, CHANNEL)
        await serve(
            listen,
            servicers(pool, log, changes, server),
            server,
            ready={"database": answers(pool), "changes": changes.ready},
            background=(changes.run,),
            translate=translate,
        )


class Inserting(orders_grpc.OrderServiceServicer):
    """One row for each order, and the same answer to everybody."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool, self._order, self._insert = pool, order(), queries("append")["bare_insert"]

    async def CreateOrder(self, request: orders.CreateOrderRequest, context: Any) -> orders.Order:  # noqa: N802
        """Insert what was asked for."""
        async with self._pool.acquire() as connection:
            data = request.order.SerializeToString()
            await connection.execute(self._insert, request.request_id, data)
        return self._order


async def insert(listen: str) -> None:
    """Serve with gRPC and asyncpg alone."""
    async with asyncpg.create_pool(os.environ[DATABASE]) as pool:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        servicer = Inserting(pool)  # type: ignore[abstract]
        orders_grpc.add_OrderServiceServicer_to_server(servicer, server)
        await serve_bare(server, listen)


async def serve_bare(server: grpc.aio.Server, listen: str) -> None:
    """Serve until SIGTERM."""
    server.add_insecure_port(listen)
    await server.start()
    await signalled().wait()
    await server.stop(None)


KINDS: Mapping[str, Callable[[str], Awaitable[None]]] = {"orders": whole_orders, "insert": insert}

if __name__ == "__main__":
    kind, port = sys.argv[1:]
    sys.exit(run(f"bench-{kind}", partial(KINDS[kind], f"{HOST}:{port}")))
