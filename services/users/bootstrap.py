"""The composition root: the one place where the parts of Users are made and joined.

Nine processes start at once on a small machine, so each imports only what it runs.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from bridge.database import answers, open_pool
from bridge.outages import translate
from bridge.registry.schemas import schema_ids
from bridge.server.deactivations import Deactivations
from bridge.server.paging import PageTokens
from bridge.server.serve import serve
from bridge.server.settings import ServerSettings
from bridge.store.event_store import EventStore
from causeway.users.v1 import events_pb2 as users_events
from services.events import catalog_of
from services.users.commands import Commands
from services.users.identity_changes import IdentityChanges
from services.users.identity_work import IdentityWork
from services.users.intents import Intents
from services.users.later import Closable, Later
from services.users.queries import Queries
from services.users.rank import Rank
from services.users.registration import Registration
from services.users.servicer import Servicer
from services.users.settings import Settings
from services.users.turns import Turns

SERVICE = "causeway.users.v1.UserService"
SOURCE = "/causeway/users"
CONNECTIONS = 20
"""Of one process; a consumer uses one a lane while it handles."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What both processes are made of."""

    pool: asyncpg.Pool
    store: EventStore
    intents: Intents
    registration: Registration
    identity_changes: IdentityChanges
    identity_work: IdentityWork
    rank: Rank


async def api() -> None:
    """Serve callers until SIGTERM."""
    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    async with _parts(settings, _identities(settings)) as parts:
        await serve(
            settings.listen,
            servicers(parts, server),
            server,
            ready={"database": answers(parts.pool)},
            translate=translate,
            deactivations=Deactivations.named(
                server.deactivations, settings.brokers("users-api"), server.token_life
            ),
        )


async def worker() -> None:
    """Relay, consume and sweep until SIGTERM."""
    from bridge.subscription import Subscription
    from bridge.worker import Work, compose
    from causeway.orders.v1 import events_pb2 as orders_events
    from services.users.handlers import GROUP, credit_handlers
    from services.users.sweeper import Sweeper

    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    # Only what a crash left is settled here: most workers never ask Keycloak anything.
    later = Later(lambda: _identities(settings))
    async with _parts(settings, later) as parts:
        work = Work(
            source=SOURCE,
            dsn=settings.dsn,
            pool=parts.pool,
            kafka=settings.brokers("users-worker"),
            catalog=catalog_of(users_events, orders_events),
            subscriptions=(Subscription(GROUP, credit_handlers(parts.store)),),
        )
        composed = await compose(work)
        registrations = Sweeper(parts.intents, parts.registration)
        changes = Sweeper(parts.identity_changes, parts.identity_work)
        await serve(
            settings.listen,
            {},
            server,
            ready=composed.ready,
            background=(*composed.background, registrations.run, changes.run),
        )


@asynccontextmanager
async def _parts(settings: Settings, identities: Closable) -> AsyncIterator[Parts]:
    catalog = catalog_of(users_events)
    store = EventStore(catalog, await schema_ids(settings.registry, catalog), SOURCE)
    try:
        async with await open_pool(settings.dsn, max_size=CONNECTIONS) as pool:
            yield parts_on(pool, store, settings.credit_limit_nanos, identities)
    finally:
        await identities.close()


def parts_on(
    pool: asyncpg.Pool, store: EventStore, credit_limit: int, identities: Closable
) -> Parts:
    """Join the parts on a database and the identities; `credit_limit` of new users in nanos."""
    intents, changes = Intents(pool, store, credit_limit), IdentityChanges(pool, store)
    return Parts(
        pool,
        store,
        intents,
        Registration(intents, identities),
        changes,
        IdentityWork(changes, identities),
        Rank(identities),
    )


def _identities(settings: Settings) -> Closable:
    from services.users.keycloak import Keycloak  # half a second: for those who ask it

    return Keycloak(
        settings.keycloak,
        settings.realm,
        settings.client_id,
        settings.client_secret.get_secret_value(),
    )


def servicers(parts: Parts, server: ServerSettings) -> Mapping[str, Any]:
    """The gRPC services of the api process."""
    servicer = Servicer(
        parts.registration,
        parts.identity_work,
        parts.rank,
        Commands(parts.pool, parts.store),
        Queries(parts.pool),
        PageTokens(server.signing_key),
        Turns(),
    )
    return {SERVICE: servicer}
