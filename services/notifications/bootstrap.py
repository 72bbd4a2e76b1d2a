"""The composition root: the one place where the parts of Notifications are made and joined.

Nine processes start at once on a small machine, so each imports only what it runs.
"""

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import asyncpg

from bridge.changes import Changes
from bridge.database import answers, open_pool
from bridge.outages import translate
from bridge.server.deactivations import Deactivations
from bridge.server.paging import PageTokens
from bridge.server.resume import ResumeTokens
from bridge.server.serve import serve
from bridge.server.settings import ServerSettings
from services.notifications.commands import Commands
from services.notifications.queries import Queries
from services.notifications.servicer import Servicer
from services.notifications.settings import Settings
from services.notifications.watch import CHANNEL, Watch
from services.notifications.webhook_allowed import Allowed
from services.notifications.webhook_names import ask_once

if TYPE_CHECKING:
    from bridge.effects.sender import Sender
    from bridge.store.event_store import EventStore
    from bridge.worker import Work

SERVICE = "causeway.notifications.v1.NotificationService"
SOURCE = "/causeway/notifications"
CONNECTIONS = 20
"""Of one process; a consumer uses one a lane while it handles."""


async def api() -> None:
    """Serve callers until SIGTERM."""
    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    async with await open_pool(settings.dsn, max_size=CONNECTIONS) as pool:
        changes = Changes(settings.dsn, CHANNEL)
        await serve(
            settings.listen,
            servicers(pool, changes, server, settings.webhooks),
            server,
            ready={"database": answers(pool), "changes": changes.ready},
            background=(changes.run,),
            translate=translate,
            deactivations=Deactivations.named(
                server.deactivations, settings.brokers("notifications-api"), server.token_life
            ),
        )


async def worker() -> None:
    """Relay, consume and send until SIGTERM."""
    ask_once(os.environ)  # before the registry's name, or any other, is looked up
    from bridge.registry.schemas import schema_ids
    from bridge.store.event_store import EventStore
    from bridge.worker import compose
    from causeway.notifications.v1 import events_pb2
    from services.events import catalog_of

    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    own = catalog_of(events_pb2)
    store = EventStore(own, await schema_ids(settings.registry, own), SOURCE)
    async with await open_pool(settings.dsn, max_size=CONNECTIONS) as pool:
        mails, posts = _senders(settings, pool, store)
        parts = await compose(_work(settings, pool))
        await serve(
            settings.listen,
            {},
            server,
            ready=parts.ready,
            background=(*parts.background, mails.run, posts.run),
        )


def _senders(
    settings: Settings, pool: asyncpg.Pool, store: "EventStore"
) -> tuple["Sender", "Sender"]:
    """Posts apart from mails, which no customer's slow server may hold up."""
    from bridge.effects.sender import Sender
    from services.notifications import handlers, mailer, webhook
    from services.notifications.outcomes import record_to
    from services.notifications.webhook_post import poster

    mails = mailer.Mailer(pool, settings.mail_server, settings.mail_sender)
    posts = webhook.Webhook(pool, poster(settings.webhooks), time.time)
    return (
        Sender(pool, {handlers.EMAIL: mails.deliver}, record_to(store), mailer.PACE),
        Sender(pool, {handlers.WEBHOOK: posts.deliver}, record_to(store), webhook.PACE),
    )


def _work(settings: Settings, pool: asyncpg.Pool) -> "Work":
    from bridge.subscription import Subscription
    from bridge.worker import Work
    from causeway.notifications.v1 import events_pb2 as notifications_events
    from causeway.orders.v1 import events_pb2 as orders_events
    from causeway.users.v1 import events_pb2 as users_events
    from services.events import catalog_of
    from services.notifications import handlers

    return Work(
        source=SOURCE,
        dsn=settings.dsn,
        pool=pool,
        kafka=settings.brokers("notifications-worker"),
        catalog=catalog_of(notifications_events, users_events, orders_events),
        subscriptions=(
            Subscription(handlers.CUSTOMERS_GROUP, handlers.CUSTOMERS, effects=handlers.EFFECTS),
            Subscription(handlers.ORDERS_GROUP, handlers.ORDERS, effects=handlers.EFFECTS),
        ),
    )


def servicers(
    pool: asyncpg.Pool, changes: Changes, server: ServerSettings, webhooks: Allowed
) -> Mapping[str, Any]:
    """The service by its full name, joined from its parts."""
    servicer = Servicer(
        Queries(pool),
        Commands(pool),
        Watch(pool, changes),
        PageTokens(server.signing_key),
        ResumeTokens(server.signing_key),
        webhooks,
    )
    return {SERVICE: servicer}
