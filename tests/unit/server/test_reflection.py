"""Reflection under both names: of a process, and of the whole surface."""

from pathlib import Path
from typing import Any

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
    "symbol", ["google.rpc.BadRequest", "causeway.orders.v1.OrderCreated", "google.type.Money"]
)
async def test_messages_that_no_method_names_are_described_too(ask: Any, symbol: str) -> None:
    answer = await ask("v1", Request(file_containing_symbol=symbol))
    assert answer.file_descriptor_response.file_descriptor_proto


async def test_an_unknown_symbol_is_not_found(ask: Any) -> None:
    answer = await ask("v1", Request(file_containing_symbol="causeway.Nothing"))
    assert answer.error_response.error_code == 5
