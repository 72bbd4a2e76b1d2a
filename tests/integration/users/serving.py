"""UserService behind the real server kit, and what is asked of it."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from google.type.money_pb2 import Money

from bridge.outages import translate
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from bridge.store.event_store import EventStore
from causeway.users.v1 import user_service_pb2 as pb
from client.errors import CallFailed
from services.users.bootstrap import parts_on, servicers
from services.users.keycloak import Keycloak
from services.users.money import NANOS
from tests.integration.service_kit import started
from tests.integration.users.registering import PASSWORD

OSCAR = str(uuid.uuid4())


@asynccontextmanager
async def serving(
    pool: asyncpg.Pool, store: EventStore, keycloak: Keycloak, settings: ServerSettings
) -> AsyncIterator[Server]:
    parts = parts_on(pool, store, 500 * NANOS, keycloak)
    server = Server(servicers(parts, settings), settings, translate=translate)
    async with started(server):
        yield server


def wish(**changed: str) -> pb.RegisterUserRequest:
    name = f"u{uuid.uuid4().hex[:12]}"
    fields = {
        "username": name,
        "email": f"{name}@example.org",
        "display_name": "Ann",
        "password": PASSWORD,
        "request_id": str(uuid.uuid4()),
    }
    return pb.RegisterUserRequest(**(fields | changed))


async def refused(call: object) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await call  # type: ignore[misc]
    return caught.value


def euros(units: int) -> Money:
    return Money(currency_code="EUR", units=units)
