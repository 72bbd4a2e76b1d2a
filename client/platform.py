"""The platform's services behind one address, as typed stubs."""

from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import grpc

from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from causeway.bridge.v1.operations_service_pb2_grpc import OperationsServiceStub
from causeway.notifications.v1.notification_service_pb2_grpc import NotificationServiceStub
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceStub
from causeway.users.v1.user_service_pb2_grpc import UserServiceStub
from client.calls import DuplexCalls, StreamCalls, UnaryCalls
from client.tokens import TokenSource

if TYPE_CHECKING:
    from causeway.bridge.v1.event_service_pb2_grpc import EventServiceAsyncStub
    from causeway.bridge.v1.operations_service_pb2_grpc import OperationsServiceAsyncStub
    from causeway.notifications.v1.notification_service_pb2_grpc import (
        NotificationServiceAsyncStub,
    )
    from causeway.orders.v1.order_service_pb2_grpc import OrderServiceAsyncStub
    from causeway.users.v1.user_service_pb2_grpc import UserServiceAsyncStub

TIMEOUT = 10.0
"""Seconds that a call with one answer may take, retries and all, unless it says otherwise."""

# A connection whose other end is gone without a word is found by pings, also below a quiet stream.
OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
)


class Platform:
    """One connection to the edge; use it as an async context manager.

    ::

        async with Platform("http://127.0.0.1:8080", password(issuer, "alice", "…")) as causeway:
            page = await causeway.orders.ListOrders(ListOrdersRequest())

    Methods are those of the protos and raise `client.errors.CallFailed`. A mutating call gets a
    `request_id` where it has none, and is then repeated while the service is away.
    `client.pages.pages` reads lists to their end, `client.streams.follow` follows streams, and
    `client.publishing.publishing` publishes events.
    """

    def __init__(
        self,
        edge: str,
        token: TokenSource | None = None,
        *,
        timeout: float = TIMEOUT,
        ca: Path | None = None,
    ) -> None:
        """`edge`: "http://host:port", "https://host:port" (trusts `ca`, else the system's
        authorities) or "host:port", which is plain. `timeout` in seconds."""
        interceptors: list[grpc.aio.ClientInterceptor] = [
            UnaryCalls(token, timeout),
            StreamCalls(token),
            DuplexCalls(token),
        ]
        self.channel = _channel(edge, ca, interceptors)
        self.users: UserServiceAsyncStub = UserServiceStub(self.channel)
        self.orders: OrderServiceAsyncStub = OrderServiceStub(self.channel)
        self.notifications: NotificationServiceAsyncStub = NotificationServiceStub(self.channel)
        self.events: EventServiceAsyncStub = EventServiceStub(self.channel)
        self.operations: OperationsServiceAsyncStub = OperationsServiceStub(self.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()


def _channel(
    edge: str, ca: Path | None, interceptors: list[grpc.aio.ClientInterceptor]
) -> grpc.aio.Channel:
    address = urlsplit(edge if "://" in edge else f"http://{edge}")
    target = address.netloc
    if address.scheme == "http":
        return grpc.aio.insecure_channel(target, OPTIONS, interceptors=interceptors)
    roots = None if ca is None else ca.read_bytes()
    credentials = grpc.ssl_channel_credentials(roots)
    return grpc.aio.secure_channel(target, credentials, OPTIONS, interceptors=interceptors)
