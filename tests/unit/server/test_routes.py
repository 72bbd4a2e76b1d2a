"""One way in: gRPC's server waits at each call for every method that is registered with it."""

from types import SimpleNamespace
from typing import Any

import grpc.aio
import pytest
from grpc.aio._server import Server as GrpcServer

from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2_grpc as orders_grpc


async def test_no_method_is_registered_with_grpc(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[str] = []
    routes: list[grpc.GenericRpcHandler] = []
    monkeypatch.setattr(
        GrpcServer, "add_registered_method_handlers", lambda _self, name, _: registered.append(name)
    )
    monkeypatch.setattr(
        GrpcServer, "add_generic_rpc_handlers", lambda _self, added: routes.extend(added)
    )
    servicer = orders_grpc.OrderServiceServicer()  # type: ignore[abstract]
    Server({"causeway.orders.v1.OrderService": servicer}, settings)
    assert registered == []
    [route] = routes
    known = route.service(asked("/causeway.orders.v1.OrderService/GetOrder"))
    unknown = route.service(asked("/causeway.orders.v1.OrderService/GetAll"))
    assert known is not None
    assert unknown is not None
    assert (known.request_streaming, known.response_streaming) == (False, False)
    assert (unknown.request_streaming, unknown.response_streaming) == (True, True)


def asked(path: str) -> Any:
    return SimpleNamespace(method=path, invocation_metadata=())
