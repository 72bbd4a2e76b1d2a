"""Orders that belong to somebody, without a store, and a cluster without brokers."""

from collections.abc import AsyncIterator
from typing import Any

from bridge.errors import StaleVersion, not_found
from bridge.server.call import present
from causeway.bridge.v1 import operations_service_pb2 as operations
from causeway.bridge.v1 import operations_service_pb2_grpc
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1 import order_service_pb2_grpc

OWNED = {"orders/alices": "users/alice", "orders/bobs": "users/bob"}


def own(name: str) -> str:
    """The name, if the caller may see it; raises NotFound."""
    caller = present.get().caller
    if not caller.has("operator") and OWNED.get(name) != caller.name:
        raise not_found(name)
    return name


class Orders(order_service_pb2_grpc.OrderServiceServicer):
    async def GetOrder(self, request: Any, context: Any) -> orders.Order:
        return orders.Order(name=own(request.name))

    async def CancelOrder(self, request: Any, context: Any) -> orders.Order:
        own(request.name)
        raise StaleVersion("the order was changed by somebody else")

    async def WatchOrder(
        self, request: Any, context: Any
    ) -> AsyncIterator[orders.WatchOrderResponse]:
        yield orders.WatchOrderResponse(order=orders.Order(name=own(request.name)))


class Operations(operations_service_pb2_grpc.OperationsServiceServicer):
    async def DescribeCluster(
        self, request: Any, context: Any
    ) -> operations.DescribeClusterResponse:
        return operations.DescribeClusterResponse()
