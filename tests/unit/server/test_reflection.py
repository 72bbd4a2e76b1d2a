"""Reflection under both names: of a process, and of the whole surface."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2

from bridge.server.reflection import full_surface
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from tests.unit.server.conftest import Issuer, connect

ROOT = Path(__file__).parents[3]
DESCRIPTORS = ROOT / "protos" / "causeway" / "descriptors.binpb"
Request = reflection_pb2.ServerReflectionRequest


@pytest.fixture
async def ask(settings: ServerSettings, issuer: Issuer) -> Any:
    server = Server({}, settings, reflection=full_surface(DESCRIPTORS))
    await server.start("127.0.0.1:0")
    async with connect(server.port) as channel:

        async def ask(
            version: str, request: reflection_pb2.ServerReflectionRequest
        ) -> reflection_pb2.ServerReflectionResponse:
            call = channel.stream_stream(
                f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
            )
            metadata = [("authorization", f"Bearer {issuer.token('customer')}")]
            raw = [
                one async for one in call(iter([request.SerializeToString()]), metadata=metadata)
            ]
            return reflection_pb2.ServerReflectionResponse.FromString(raw[0])

        yield ask
    await server.drain()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_every_listed_service_can_be_described(ask: Any, version: str) -> None:
    listed = await ask(version, Request(list_services=""))
    names = [service.name for service in listed.list_services_response.service]
    assert {"causeway.orders.v1.OrderService", "grpc.reflection.v1.ServerReflection"} <= {*names}
    for name in names:
        answer = await ask(version, Request(file_containing_symbol=name))
        files = [
            FileDescriptorProto.FromString(raw)
            for raw in answer.file_descriptor_response.file_descriptor_proto
        ]
        found = {f"{file.package}.{service.name}" for file in files for service in file.service}
        assert name in found


@pytest.mark.parametrize(
    "symbol",
    [
        "google.rpc.BadRequest",
        "causeway.orders.v1.OrderCreated",
        "google.type.Money",
        "causeway.orders.v1.OrderService.CreateOrder",
    ],
)
async def test_methods_and_messages_that_none_names_are_described_too(
    ask: Any, symbol: str
) -> None:
    answer = await ask("v1", Request(file_containing_symbol=symbol))
    assert answer.file_descriptor_response.file_descriptor_proto


@pytest.mark.parametrize(
    "symbol", ["causeway.Nothing", "causeway.orders.v1.OrderService.Nothing", ""]
)
async def test_an_unknown_symbol_is_not_found(ask: Any, symbol: str) -> None:
    answer = await ask("v1", Request(file_containing_symbol=symbol))
    assert answer.error_response.error_code == 5


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_where_roles_are_named_a_valid_token_alone_shows_nothing(
    settings: ServerSettings, issuer: Issuer, version: str
) -> None:
    guarded = settings.model_copy(update={"reflection_roles": ("operator",)})
    server = Server({}, guarded, reflection=full_surface(DESCRIPTORS))
    await server.start("127.0.0.1:0")
    path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    request = Request(list_services="").SerializeToString()
    async with connect(server.port) as channel:

        async def answers(role: str) -> int:
            metadata = [("authorization", f"Bearer {issuer.token(role)}")]
            call = channel.stream_stream(path)(iter([request]), metadata=metadata)
            return len([one async for one in call])

        assert await answers("operator") == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await answers("customer")
        assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    await server.drain()


def test_the_roles_for_reflection_are_a_comma_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSEWAY_REFLECTION_ROLES", "operator, auditor")
    given = {"issuer": "i", "jwks": "j", "clients": ("c",), "signing_key": "0123456789abcdef"}
    assert ServerSettings.model_validate(given).reflection_roles == ("operator", "auditor")
