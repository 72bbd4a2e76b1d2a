"""A real server of the kit for the whole surface, in a thread of its own.

No method has a behaviour but those of orders, which know who owns what, and one that takes any
request. A test that wants a service with a hole replaces a step of the kit while it starts one.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.bridge.v1 import event_service_pb2_grpc
from causeway.notifications.v1 import notification_service_pb2_grpc
from causeway.users.v1 import user_service_pb2_grpc
from gateway import identity
from tests.integration.edge.issuer import Issuer
from tests.integration.proof.servicer import Operations, Orders

CLASSES: dict[str, Any] = {
    "causeway.bridge.v1.EventService": event_service_pb2_grpc.EventServiceServicer,
    "causeway.bridge.v1.OperationsService": Operations,
    "causeway.notifications.v1.NotificationService": (
        notification_service_pb2_grpc.NotificationServiceServicer
    ),
    "causeway.orders.v1.OrderService": Orders,
    "causeway.users.v1.UserService": user_service_pb2_grpc.UserServiceServicer,
}


@contextmanager
def serving(issuer: Issuer, clients: tuple[str, ...]) -> Iterator[int]:
    """Serve until the end of the block; gives the port."""
    settings = ServerSettings(
        issuer=issuer.issuer,
        jwks=f"http://127.0.0.1:{issuer.port}{identity.jwks_path()}",
        clients=clients,
        signing_key="a key of sixteen bytes",  # type: ignore[arg-type]
        drain_delay=0.0,
        drain_grace=1.0,
    )
    started, port = threading.Event(), [0]
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        server = Server({name: kind() for name, kind in CLASSES.items()}, settings)
        ended = asyncio.Event()
        stop.append((asyncio.get_running_loop(), ended))
        await server.start("127.0.0.1:0")
        port[0] = server.port
        started.set()
        await ended.wait()
        await server.drain()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield port[0]
    finally:
        loop, ended = stop[0]
        loop.call_soon_threadsafe(ended.set)
        thread.join(20)
