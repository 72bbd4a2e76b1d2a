"""The way to the APIs for whoever asks, and asks again until there is an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from causeway.bridge.v1 import event_service_pb2 as events
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from causeway.bridge.v1.operations_service_pb2_grpc import OperationsServiceStub
from causeway.notifications.v1.notification_service_pb2_grpc import NotificationServiceStub
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceStub
from causeway.users.v1.user_service_pb2_grpc import UserServiceStub
from client.publishing import LOST
from tests.unit.server.conftest import Issuer

AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
CALL_SECONDS = 10.0
PATIENCE = 90.0
"""Seconds for one answer, however many tries it takes."""
PAUSE = 0.1


class Callers:
    """The way to the APIs, whichever of their lives answers."""

    def __init__(self, ports: Mapping[str, int], issuer: Issuer) -> None:
        options = [
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 300),
        ]
        self._channels = [
            grpc.aio.insecure_channel(f"127.0.0.1:{ports[f'{one}-api']}", options)
            for one in ("users", "orders", "notifications", "bridge")
        ]
        users_api, orders_api, notifications_api, bridge_api = self._channels
        self.users = UserServiceStub(users_api)
        self.orders = OrderServiceStub(orders_api)
        self.notifications = NotificationServiceStub(notifications_api)
        self.events = EventServiceStub(bridge_api)
        self.operations = OperationsServiceStub(bridge_api)
        self._issuer = issuer

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close()

    async def ask(
        self,
        method: Callable[..., Awaitable[Any]],
        request: Message,
        user: str = "",
        role: str = "",
    ) -> Any:
        """Ask with the same request until there is an answer. Any other refusal is an error."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    headers = self._headers(user, role)
                    return await method(request, metadata=headers, timeout=CALL_SECONDS)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in AGAIN:
                        raise
                await asyncio.sleep(PAUSE)

    async def publish(self, requests: Sequence[events.PublishEventsRequest], user: str) -> None:
        """Publish as a stream; after each break, what was not acknowledged once more."""
        left = list(requests)
        async with asyncio.timeout(PATIENCE):
            while left:
                try:
                    headers = self._headers(user, "publisher")
                    call = self.events.PublishEvents(
                        iter(left), metadata=headers, timeout=CALL_SECONDS
                    )
                    async for answer in call:
                        left = [one for one in left if one.sequence > answer.up_to]
                except grpc.aio.AioRpcError as error:
                    if error.code() not in AGAIN and (error.code(), error.details()) != LOST:
                        raise
                await asyncio.sleep(PAUSE)

    def _headers(self, user: str, role: str) -> tuple[tuple[str, str], ...]:
        if not role:
            return ()
        return (("authorization", f"Bearer {self._issuer.token(role, sub=user)}"),)
