"""`python -m benchmarks.backend kit|bare PORT`: a service; its GetOrder answers at once.

`kit` is what a service of the platform runs: the server kit of `bridge.server` with all its steps,
its settings from `CAUSEWAY_*`. `bare` is grpc.aio with nothing around the handler.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from bridge.server.process import run
from bridge.server.serve import serve, signalled
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1 import order_service_pb2_grpc as orders_grpc

SERVICE = "causeway.orders.v1.OrderService"
NAME = "orders/0198c5a2-7d3e-7b54-9f0a-3c1d2e4f5a6b"
HOST = "127.0.0.1"


class OrderServicer(orders_grpc.OrderServiceServicer):
    """Answers the same order to everybody: the store has benchmarks of its own."""

    def __init__(self) -> None:
        self._order = order()

    async def GetOrder(self, request: orders.GetOrderRequest, context: Any) -> orders.Order:  # noqa: N802
        """Answer without a look at the request."""
        return self._order


def servicer() -> OrderServicer:
    """Make one whose other methods are the generated defaults: UNIMPLEMENTED."""
    return OrderServicer()  # type: ignore[abstract]


def order() -> orders.Order:
    """An order of two items, about as large as they are."""
    found = orders.Order(name=NAME, customer="users/0198c5a2-0000-7000-8000-000000000001", etag="3")
    found.state = orders.Order.STATE_CONFIRMED
    for sku, quantity, units in (("book", 2, 12), ("lamp", 1, 40)):
        item = found.items.add(sku=sku, quantity=quantity)
        item.unit_price.currency_code, item.unit_price.units = "EUR", units
    found.total.currency_code, found.total.units = "EUR", 64
    found.create_time.FromSeconds(1_795_000_000)
    found.update_time.FromSeconds(1_795_000_007)
    return found


async def kit(listen: str) -> None:
    """Serve as the platform's services do."""
    await serve(listen, {SERVICE: servicer()}, ServerSettings())  # type: ignore[call-arg]


async def bare(listen: str) -> None:
    """Serve with gRPC alone, and the health that Envoy asks for."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    orders_grpc.add_OrderServiceServicer_to_server(servicer(), server)
    healthy = health.aio.HealthServicer()
    await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    server.add_insecure_port(listen)
    await server.start()
    await signalled().wait()
    await server.stop(None)


KINDS: Mapping[str, Callable[[str], Awaitable[None]]] = {"kit": kit, "bare": bare}

if __name__ == "__main__":
    kind, port = sys.argv[1:]
    sys.exit(run(f"bench-{kind}", partial(KINDS[kind], f"{HOST}:{port}")))
