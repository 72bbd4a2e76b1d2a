"""A real gRPC server on loopback whose OrderService says what a test wants."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import status_pb2

from causeway.orders.v1 import order_service_pb2 as pb
from causeway.orders.v1.order_service_pb2_grpc import (
    OrderServiceServicer,
    add_OrderServiceServicer_to_server,
)

Behaviour = Callable[[Message, Any], Any]


@dataclass
class Script:
    """What was asked, and what is answered."""

    calls: list[tuple[Message, dict[str, Any]]] = field(default_factory=list)
    answer: Callable[[int], Any] = lambda _number: pb.Order(name="orders/1")
    deadlines: list[float] = field(default_factory=list)

    async def reply(self, request: Message, context: Any) -> Any:
        self.calls.append((request, dict(context.invocation_metadata())))
        self.deadlines.append(context.time_remaining())
        said = self.answer(len(self.calls))
        if isinstance(said, Refusal):
            await context.abort(said.code, said.message, said.trailing())
        return await said if isawaitable(said) else said


@dataclass
class Refusal:
    code: grpc.StatusCode
    message: str = "no"
    details: tuple[Message, ...] = ()

    def trailing(self) -> tuple[tuple[str, bytes], ...]:
        packed = []
        for detail in self.details:
            one = AnyMessage()
            one.Pack(detail)
            packed.append(one)
        status = status_pb2.Status(code=self.code.value[0], message=self.message, details=packed)
        return (("grpc-status-details-bin", status.SerializeToString()),)


class Orders(OrderServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def CreateOrder(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._script.reply(request, context)

    async def GetOrder(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._script.reply(request, context)

    async def WatchOrder(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        yield pb.WatchOrderResponse(order=pb.Order(name="orders/1"), resume_token="1")
        yield await self._script.reply(request, context)


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    server = grpc.aio.server()
    add_OrderServiceServicer_to_server(Orders(script), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop(0)
