"""A real gRPC server for every method of the surface: `python backend.py HOST:PORT`.

What it does is asked for in the resource's name (`orders/slow`, …). Each answer carries the
headers that reached it (`x-seen`, base64 of JSON), the message (`x-request`, base64) and who
answered (`x-backend`).
"""

import asyncio
import base64
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

import causeway.bridge.v1.event_service_pb2
import causeway.bridge.v1.operations_service_pb2
import causeway.notifications.v1.notification_service_pb2
import causeway.orders.v1.order_service_pb2
import causeway.users.v1.user_service_pb2  # noqa: F401

SERVICES = (
    "causeway.bridge.v1.EventService",
    "causeway.bridge.v1.OperationsService",
    "causeway.notifications.v1.NotificationService",
    "causeway.orders.v1.OrderService",
    "causeway.users.v1.UserService",
)


LARGEST = 2048
"""Bytes of a request that are shown; gRPC takes 8 KiB of headers."""
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Backend:
    def __init__(self, address: str) -> None:
        self.address = address
        self.calls: dict[str, int] = {}

    async def greet(self, context: Context, request: bytes = b"") -> None:
        seen = json.dumps(
            [[k, v] for k, v in context.invocation_metadata() or () if isinstance(v, str)]
        )
        encoded = base64.b64encode(seen.encode()).decode()
        message = base64.b64encode(request[:LARGEST]).decode()
        await context.send_initial_metadata(
            (("x-seen", encoded), ("x-request", message), ("x-backend", self.address))
        )

    async def behave(self, what: str, context: Context) -> None:
        self.calls[what] = self.calls.get(what, 0) + 1
        if what.endswith("/slow"):
            await asyncio.sleep(60)
        if what.endswith("/missing"):
            await self._missing(context)
        if what.endswith("/busy"):
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"busy {self.calls[what]}")

    async def _missing(self, context: Context) -> None:
        detail = AnyMessage()
        detail.Pack(ErrorInfo(reason="ORDER_NOT_FOUND", domain="causeway"))
        status = Status(code=5, message="no such order", details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such order")

    async def unary(self, request: Any, context: Context, answer: Any) -> Any:
        what = _name(request)
        await self.behave(what, context)
        await self.greet(context, request.SerializeToString())
        _echo(request, answer, what, self.calls.get(what, 0))
        return answer

    async def stream(self, request: Any, context: Context, kind: type[Any]) -> AsyncIterator[Any]:
        what = _name(request)
        await self.behave(what, context)
        await self.greet(context, request.SerializeToString())
        count, pause = _length(what)
        for number in range(count):
            answer = kind()
            _echo(request, answer, what, number)
            yield answer
            if what.endswith("/late"):
                await context.abort(grpc.StatusCode.ABORTED, "too late")
            await asyncio.sleep(pause)

    async def both(self, requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
        from causeway.bridge.v1.event_service_pb2 import PublishEventsResponse

        await self.greet(context)
        async for request in requests:
            yield PublishEventsResponse(up_to=request.sequence)


def _length(what: str) -> tuple[int, float]:
    """Messages of a stream, and the seconds between: `orders/steady-8` has 8, two a second."""
    if what.endswith("/forever"):
        return 10**6, 0.1
    _, steady, count = what.partition("/steady-")
    return (int(count), 0.5) if steady else (3, 0.1)


def _name(request: Any) -> str:
    fields = request.DESCRIPTOR.fields_by_name
    return str(request.name) if "name" in fields else request.DESCRIPTOR.name


def _echo(request: Any, answer: Any, what: str, number: int) -> None:
    fields = answer.DESCRIPTOR.fields_by_name
    if "name" in fields:
        answer.name = what
    if "username" in fields:
        answer.username = getattr(request, "username", "") or "somebody"
    if "order" in fields and fields["order"].message_type:
        answer.order.name = what
        answer.order.etag = str(number)
    if what.endswith("/large"):
        answer.etag = "x" * 200_000


def handler(backend: Backend, name: str) -> grpc.GenericRpcHandler:
    service = Default().FindServiceByName(name)
    handlers = {}
    for method in service.methods:
        kind = GetMessageClass(method.input_type)
        answer = GetMessageClass(method.output_type)
        handlers[method.name] = _one(backend, method, kind, answer)
    return grpc.method_handlers_generic_handler(name, handlers)


def _one(backend: Backend, method: Any, kind: Any, answer: Any) -> Any:
    codec = {"request_deserializer": kind.FromString,
             "response_serializer": answer.SerializeToString}  # fmt: skip
    if method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(backend.both, **codec)
    if method.server_streaming:

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            async for one in backend.stream(request, context, answer):
                yield one

        return grpc.unary_stream_rpc_method_handler(stream, **codec)

    async def unary(request: Any, context: Context) -> Any:
        return await backend.unary(request, context, answer())

    return grpc.unary_unary_rpc_method_handler(unary, **codec)


def _reflection() -> Iterator[grpc.GenericRpcHandler]:
    servicer = reflection.aio.ReflectionServicer(SERVICES)
    call = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for version in ("v1alpha", "v1"):
        name = f"grpc.reflection.{version}.ServerReflection"
        yield grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": call})


async def main(address: str) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    backend = Backend(address)
    server.add_generic_rpc_handlers([handler(backend, name) for name in SERVICES])
    checks = health.aio.HealthServicer()
    await checks.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    server.add_generic_rpc_handlers([*_reflection()])
    server.add_insecure_port(address)
    await server.start()
    print("ready", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
