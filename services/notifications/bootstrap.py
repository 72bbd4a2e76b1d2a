"""The composition root: the one place where the parts of Notifications are made and joined."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from bridge.catalog import Catalog
from bridge.consumer import Consumer
from bridge.database import answers, open_pool
from bridge.outages import translate
from bridge.readiness import working
from bridge.registry import schema_ids
from bridge.relay import Relay
from bridge.sender import Sender
from bridge.server.paging import PageTokens
from bridge.server.serve import serve
from bridge.server.settings import ServerSettings
from bridge.store import EventStore
from bridge.subscription import Subscription
from causeway.notifications.v1 import events_pb2 as notifications_events
from causeway.orders.v1 import events_pb2 as orders_events
from causeway.users.v1 import events_pb2 as users_events
from services.notifications import handlers
from services.notifications.mailer import Mailer
from services.notifications.outcomes import record_to
from services.notifications.queries import Queries
from services.notifications.servicer import Servicer
from services.notifications.settings import Settings

SERVICE = "causeway.notifications.v1.NotificationService"
SOURCE = "/causeway/notifications"
CONNECTIONS = 20
"""Of one process; a consumer uses one a lane while it handles."""


async def api() -> None:
    """Serve callers until SIGTERM."""
    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    async with await open_pool(settings.dsn, max_size=CONNECTIONS) as pool:
        await serve(
            settings.listen,
            servicers(pool, server),
            server,
            ready={"database": answers(pool)},
            translate=translate,
        )


async def worker() -> None:
    """Relay, consume and send until SIGTERM."""
    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    own = Catalog.of(notifications_events)
    store = EventStore(own, await schema_ids(settings.registry, own), SOURCE)
    kafka = settings.brokers("notifications-worker")
    async with await open_pool(settings.dsn, max_size=CONNECTIONS) as pool:
        mailer = Mailer(pool, settings.mail_server, settings.mail_sender)
        sender = Sender(pool, {handlers.EMAIL: mailer.deliver}, record_to(store))
        consumers = _consumers(pool, settings)
        relay = Relay(settings.dsn, kafka, own, SOURCE)
        await serve(
            settings.listen,
            {},
            server,
            ready={"database": answers(pool), **working(relay, consumers)},
            background=(relay.run, sender.run, *(consumer.run for consumer in consumers)),
        )


def servicers(pool: asyncpg.Pool, server: ServerSettings) -> Mapping[str, Any]:
    """The gRPC services of the api process."""
    # Watching, marking and preferences come later: the generated base answers UNIMPLEMENTED.
    servicer = Servicer(  # type: ignore[abstract]
        Queries(pool), PageTokens(server.signing_key)
    )
    return {SERVICE: servicer}


def _consumers(pool: asyncpg.Pool, settings: Settings) -> list[Consumer]:
    catalog = Catalog.of(users_events, orders_events)
    kafka = settings.brokers("notifications-worker")
    subscriptions = (
        Subscription(handlers.CUSTOMERS_GROUP, handlers.CUSTOMERS, effects=(handlers.EMAIL,)),
        Subscription(handlers.ORDERS_GROUP, handlers.ORDERS, effects=(handlers.EMAIL,)),
    )
    return [
        Consumer(subscription, catalog=catalog, pool=pool, kafka=kafka)
        for subscription in subscriptions
    ]
