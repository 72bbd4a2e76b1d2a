"""grpcurl's view: the whole surface, listed and described at the edge."""

from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from tests.e2e.conftest import Customer

SURFACE = {
    "causeway.users.v1.UserService",
    "causeway.orders.v1.OrderService",
    "causeway.notifications.v1.NotificationService",
    "causeway.bridge.v1.EventService",
    "causeway.bridge.v1.OperationsService",
}


async def ask(
    channel: grpc.aio.Channel, version: str, metadata: tuple[tuple[str, str], ...]
) -> set[str]:
    """List the services as grpcurl does, which asks v1 before v1alpha."""
    stream: Any = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    call = stream(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")]), metadata=metadata
    )
    answer = await call.read()
    call.cancel()
    return {service.name for service in answer.list_services_response.service}


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_the_whole_surface(
    channel: grpc.aio.Channel, customer: Customer, version: str
) -> None:
    assert await ask(channel, version, customer.metadata) >= SURFACE


async def test_reflection_describes_a_method_of_another_service(
    channel: grpc.aio.Channel, customer: Customer
) -> None:
    request = reflection_pb2.ServerReflectionRequest(
        file_containing_symbol="causeway.orders.v1.OrderService"
    )
    call = ServerReflectionStub(channel).ServerReflectionInfo(
        iter([request]), metadata=customer.metadata
    )
    answer = await call.read()
    call.cancel()
    assert answer.file_descriptor_response.file_descriptor_proto


async def test_reflection_needs_a_token(channel: grpc.aio.Channel) -> None:
    # Nothing is written: a write that meets the refusal is INTERNAL to grpc.aio.
    call = ServerReflectionStub(channel).ServerReflectionInfo()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
