"""The whole surface on the real server kit: `python -m tests.security.kit_backend HOST:PORT`.

What passes the edge meets what every service has: its own check of the token, access, limits and
field rules. Settings come from the environment (`CAUSEWAY_ISSUER`, …), as for a service.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass

from bridge.server.serve import serve
from bridge.server.settings import ServerSettings
from tests.integration.edge.backend import SERVICES, Backend

BROKEN = "orders/broken"
SECRET = "/srv/secrets/db.py: password=hunter2"
"""The text of an exception that no caller may ever read."""


def behaviour(backend: Backend, method: MethodDescriptor) -> Any:
    """A handler that echoes the name; `orders/broken` fails with a text that is nobody's."""
    if method.client_streaming:
        return backend.both
    answer = GetMessageClass(method.output_type)

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        async for one in backend.stream(request, context, answer):
            yield one

    async def unary(request: Any, context: Any) -> Any:
        if getattr(request, "name", "") == BROKEN:
            raise ZeroDivisionError(SECRET)
        return await backend.unary(request, context, answer())

    return stream if method.server_streaming else unary


def servicer(backend: Backend, service: str) -> SimpleNamespace:
    methods = Default().FindServiceByName(service).methods
    return SimpleNamespace(**{method.name: behaviour(backend, method) for method in methods})


async def main(address: str) -> None:
    backend = Backend(address)
    servicers = {service: servicer(backend, service) for service in SERVICES}
    await serve(address, servicers, ServerSettings())  # type: ignore[call-arg]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
