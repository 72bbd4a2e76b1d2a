"""NotificationService behind the real server kit, and something to serve."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from bridge.changes import Changes
from bridge.outages import translate
from bridge.server.serve import Server
from services.notifications import notification_table
from services.notifications.bootstrap import servicers
from services.notifications.notification_table import Notification, State
from services.notifications.watch import CHANNEL
from services.notifications.webhook_allowed import Allowed
from tests.integration.service_kit import settings_for, started
from tests.unit.server.conftest import Issuer


@asynccontextmanager
async def replica(database: str, pool: asyncpg.Pool, issuer: Issuer) -> AsyncIterator[Server]:
    """One process of Notifications' API; all of them have the same signing key."""
    settings = settings_for(issuer)
    changes = Changes(database, CHANNEL)
    server = Server(
        servicers(pool, changes, settings, Allowed.of("hooks.local:9000")),
        settings,
        ready={"changes": changes.ready},
        background=(changes.run,),
        translate=translate,
    )
    async with started(server):
        yield server


def notification_for(user: str, number: int = 0) -> Notification:
    """The `number`-th notification of a user; ids of one user sort as their numbers."""
    return Notification(
        id=f"{user}-{number:04}",
        recipient=f"users/{user}",
        channel="email",
        title=f"Notification {number}",
        body="State: CONFIRMED",
        state=State.PENDING,
        cause_event_id=str(uuid.uuid4()),
        subject="orders/o1",
        create_time=datetime(2026, 11, 23, 12, number % 60, tzinfo=UTC),
    )


async def tell(pool: asyncpg.Pool, user: str, number: int = 0) -> Notification:
    """Write a notification, as a handler would."""
    notification = notification_for(user, number)
    async with pool.acquire() as connection:
        await notification_table.add(connection, notification)
    return notification


async def sent(pool: asyncpg.Pool, notification: Notification) -> None:
    """Its channel took it."""
    async with pool.acquire() as connection:
        await notification_table.end(
            connection, notification.id, State.SENT, notification.create_time
        )
