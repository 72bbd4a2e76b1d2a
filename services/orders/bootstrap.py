"""The composition root: the one place where the parts of Orders are made and joined.

Nine processes start at once on a small machine, so each imports only what it runs.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg

from bridge.changes import Changes
from bridge.database import answers, open_pool
from bridge.outages import translate
from bridge.registry.schemas import schema_ids
from bridge.server.deactivations import Deactivations
from bridge.server.paging import PageTokens
from bridge.server.resume import ResumeTokens
from bridge.server.serve import serve
from bridge.server.settings import ServerSettings
from bridge.store.event_store import EventStore
from causeway.orders.v1 import events_pb2 as orders_events
from services.events import catalog_of
from services.orders.commands import Commands
from services.orders.order_log import OrderLog
from services.orders.placing import Placing
from services.orders.price_list import PriceList
from services.orders.queries import Queries
from services.orders.servicer import Servicer
from services.orders.settings import Settings
from services.orders.watch import CHANNEL, Watch

SERVICE = "causeway.orders.v1.OrderService"
SOURCE = "/causeway/orders"
CONNECTIONS = 20
"""Of one process; a consumer uses one a lane while it handles."""
STATEMENT = 8.0
"""Seconds that one statement of a call may take; a call may take 10."""


async def api() -> None:
    """Serve callers until SIGTERM."""
    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    log = await _order_log(settings)
    opened = open_pool(settings.dsn, max_size=CONNECTIONS, command_timeout=STATEMENT)
    async with await opened as pool:
        changes = Changes(settings.dsn, CHANNEL)
        await serve(
            settings.listen,
            servicers(pool, log, changes, server),
            server,
            ready={"database": answers(pool), "changes": changes.ready},
            background=(changes.run,),
            translate=translate,
            deactivations=Deactivations.named(
                server.deactivations, settings.brokers("orders-api"), server.token_life
            ),
        )


async def worker() -> None:
    """Relay and consume until SIGTERM."""
    from bridge.subscription import Subscription
    from bridge.worker import Work, compose
    from causeway.inventory.v1 import events_pb2 as inventory_events
    from causeway.users.v1 import events_pb2 as users_events
    from services.orders import handlers, projections

    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    log = await _order_log(settings)
    subscriptions = (
        Subscription("causeway.orders.customers", handlers.CUSTOMERS, tables=("customers",)),
        Subscription("causeway.orders.credit", handlers.credit_handlers(log)),
        Subscription("causeway.orders.stock", handlers.STOCK, tables=("stock",)),
        Subscription(
            projections.ORDERS_GROUP,
            projections.ORDERS,
            batch=projections.show_all,
            tables=projections.ORDERS_TABLES,
            live=False,
        ),
    )
    async with await open_pool(settings.dsn, max_size=CONNECTIONS) as pool:
        work = Work(
            source=SOURCE,
            dsn=settings.dsn,
            pool=pool,
            kafka=settings.brokers("orders-worker"),
            catalog=catalog_of(orders_events, users_events, inventory_events),
            subscriptions=subscriptions,
        )
        parts = await compose(work)
        await serve(settings.listen, {}, server, ready=parts.ready, background=parts.background)


async def _order_log(settings: Settings) -> OrderLog:
    catalog = catalog_of(orders_events)
    ids = await schema_ids(settings.registry, catalog)
    return OrderLog(EventStore(catalog, ids, SOURCE))


def servicers(
    pool: asyncpg.Pool, log: OrderLog, changes: Changes, server: ServerSettings
) -> Mapping[str, Any]:
    """The service by its full name, joined from its parts."""
    servicer = Servicer(
        Placing(pool, log),
        Commands(pool, log),
        Queries(pool, log),
        PriceList(pool),
        Watch(pool, log, changes),
        PageTokens(server.signing_key),
        ResumeTokens(server.signing_key),
    )
    return {SERVICE: servicer}
