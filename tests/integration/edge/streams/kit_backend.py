# ruff: noqa: N802 - servicers name their methods as the proto does.
"""Orders on the real server kit, without a store: `python kit_backend.py HOST:PORT ISSUER JWKS`.

What a watched order does is asked for in its name (`orders/quiet`, …).
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from pydantic import SecretStr

from bridge.errors import OutOfRange, not_found
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2 as pb
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceServicer
from gateway import identity

HEARTBEAT = 0.3
CHUNK = "x" * 60_000


class Orders(OrderServiceServicer):
    async def GetOrder(self, request: Any, context: Any) -> pb.Order:
        return pb.Order(name=request.name)

    async def WatchOrder(self, request: Any, context: Any) -> AsyncIterator[Any]:
        what = request.name.removeprefix("orders/")
        if what == "missing":
            raise not_found(request.name)
        if what == "silent":
            await asyncio.Event().wait()
        for number in (1, 2):
            order = pb.Order(name=request.name, etag=str(number))
            yield pb.WatchOrderResponse(order=order, resume_token=str(number))
        if what == "late":
            raise OutOfRange("that is gone", reason="POSITION_GONE")
        if what == "broken":
            raise RuntimeError("password=hunter2")
        if what == "quiet":
            await asyncio.Event().wait()
        while what == "flood":
            yield pb.WatchOrderResponse(order=pb.Order(reject_reason=CHUNK))


async def main(listen: str, issuer: str, jwks: str) -> None:
    settings = ServerSettings(
        issuer=issuer,
        jwks=jwks,
        clients=(identity.CLI,),
        signing_key=SecretStr("0123456789abcdef"),
        drain_delay=0,
        heartbeat=HEARTBEAT,
    )
    orders = Orders()  # type: ignore[abstract]
    server = Server({"causeway.orders.v1.OrderService": orders}, settings)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await server.start(listen)
    print("ready", flush=True)
    await told.wait()
    await server.drain()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
