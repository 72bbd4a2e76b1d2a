"""A store that is away is named, and what does not need it goes on."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from bridge.api.stores import open_stores
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1 import operations_service_pb2 as operations
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from causeway.bridge.v1.operations_service_pb2_grpc import OperationsServiceStub
from causeway.orders.v1 import events_pb2 as orders
from client.errors import call_failed
from tests.integration.api.conftest import serving
from tests.integration.api.services import Databases, Services
from tests.unit.server.conftest import Issuer

NOWHERE = "postgresql://bridge:secret@127.0.0.1:1/users"
"""Nothing listens on port 1."""


class Calls:
    """Calls without the client's patience: it would try again what is UNAVAILABLE."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._channel = channel
        self._metadata = (("authorization", f"Bearer {token}"),)

    async def events(self, method: str, request: Message) -> Any:
        stub = EventServiceStub(self._channel)
        return await getattr(stub, method)(request, metadata=self._metadata)

    async def operations(self, method: str, request: Message) -> Any:
        stub = OperationsServiceStub(self._channel)
        return await getattr(stub, method)(request, metadata=self._metadata)


@pytest.fixture
async def without_users(
    databases: Databases, services: Services, issuer: Issuer
) -> AsyncIterator[Calls]:
    """The API while the database of Users is away, called by an administrator."""
    async with (
        open_stores({**databases.audit, "users": NOWHERE}) as stores,
        serving(stores, services.own, issuer) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield Calls(channel, issuer.token("admin", "auditor"))


async def refused(call: Awaitable[object]) -> None:
    """It says which store is away."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    failed = call_failed("", caught.value)
    assert failed.code is grpc.StatusCode.UNAVAILABLE
    assert failed.reason == "STORE_UNAVAILABLE"
    assert failed.metadata["store"] == "users"


async def test_a_list_of_all_stores_is_refused_and_one_of_another_store_is_not(
    services: Services, without_users: Calls
) -> None:
    stored = await services.append("orders", orders.OrderConfirmed(order_id="o1"))
    await refused(without_users.events("ListEvents", pb.ListEventsRequest()))
    only = pb.ListEventsRequest(source="/causeway/orders")
    [event] = (await without_users.events("ListEvents", only)).events
    assert event.name == f"events/{stored.id}"


async def test_an_event_that_is_found_elsewhere_is_given_and_one_that_may_be_there_is_not(
    services: Services, without_users: Calls
) -> None:
    stored = await services.append("orders", orders.OrderConfirmed(order_id="o1"))
    name, missing = f"events/{stored.id}", "events/0190a7a8-0000-7000-8000-000000000000"
    found = await without_users.events("GetEvent", pb.GetEventRequest(name=name))
    assert found.name == name
    await refused(without_users.events("GetEvent", pb.GetEventRequest(name=missing)))
    # The outcomes at the consumers of Users would be missing from it.
    await refused(without_users.events("TraceEvent", pb.TraceEventRequest(name=name)))


async def test_dead_letters_of_a_group_are_asked_of_its_own_service_alone(
    services: Services, without_users: Calls
) -> None:
    def of(group: str) -> operations.RedriveDeadLettersRequest:
        chosen = operations.DeadLetterFilter(group=group)
        return operations.RedriveDeadLettersRequest(filter=chosen)

    here, there = of("causeway.orders.stock"), of("causeway.users.credit")
    assert (await without_users.operations("RedriveDeadLetters", here)).count == 0
    await refused(without_users.operations("RedriveDeadLetters", there))
