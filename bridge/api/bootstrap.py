"""The composition root of the bridge's processes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bridge.api.dead_letters import DeadLetters
from bridge.api.events import Events
from bridge.api.known_types import KnownTypes
from bridge.api.once import Once
from bridge.api.operations import Describe, Operations
from bridge.api.publish import Publisher, open_publisher
from bridge.api.replays import Replays
from bridge.api.settings import Settings, WorkerSettings
from bridge.api.stores import Stores, open_stores
from bridge.database import open_pool
from bridge.events.catalog import Catalog
from bridge.events.described import described_in
from bridge.events.generated import events_from_outside
from bridge.kafka.cluster import describe
from bridge.outages import translate
from bridge.server.deactivations import Deactivations
from bridge.server.paging import PageTokens
from bridge.server.reflection import full_surface
from bridge.server.serve import serve
from bridge.server.settings import ServerSettings
from bridge.subscribe.log import log_of
from bridge.subscribe.subscriptions import Subscriptions

OWN = "bridge"
SOURCE = f"/causeway/{OWN}"
WORKER_CONNECTIONS = 4
"""It has no consumers, whose lanes would each hold one."""


async def api() -> None:
    """Serve callers until SIGTERM."""
    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    own = settings.dsn
    events = described_in(settings.descriptors)
    subscriptions = _subscriptions(settings, server, events)
    async with (
        open_all({**settings.service_dsns, OWN: own}, own) as (stores, once),
        open_publisher(own, settings.registry, events_from_outside(), events, SOURCE) as publisher,
    ):
        await serve(
            settings.listen,
            servicers(
                stores,
                once,
                PageTokens(server.signing_key),
                KnownTypes.of(settings.descriptors),
                partial(describe, settings.brokers),
                subscriptions,
                publisher,
            ),
            server,
            # The other stores may be away: calls that need them say so.
            ready={"database": stores.by_name(OWN).answers},
            background=(subscriptions.run,),
            reflection=full_surface(settings.descriptors),
            translate=translate,
            deactivations=_deactivations(settings, server),
        )


def _subscriptions(settings: Settings, server: ServerSettings, events: Catalog) -> Subscriptions:
    key = server.signing_key.get_secret_value()
    return Subscriptions(log_of(settings.brokers), events, key, server.heartbeat / 2)


def _deactivations(settings: Settings, server: ServerSettings) -> Deactivations:
    return Deactivations.named(server.deactivations, settings.brokers, server.token_life)


async def worker() -> None:
    """Relay what came from outside until SIGTERM; redrive, replays and clean-up as in any store."""
    from bridge.worker import Work, compose

    settings, server = WorkerSettings.model_validate({}), ServerSettings.model_validate({})
    async with await open_pool(settings.dsn, max_size=WORKER_CONNECTIONS) as pool:
        work = Work(
            source=SOURCE,
            dsn=settings.dsn,
            pool=pool,
            kafka=settings.brokers_for("bridge-worker"),
            catalog=events_from_outside(),
        )
        parts = await compose(work)
        await serve(settings.listen, {}, server, ready=parts.ready, background=parts.background)


@asynccontextmanager
async def open_all(dsns: Mapping[str, str], own: str) -> AsyncIterator[tuple[Stores, Once]]:
    """Open the stores, and apart from them the bridge's own for its claims."""
    async with open_stores(dsns) as stores, open_stores({OWN: own}) as claims:
        yield stores, Once(claims.by_name(OWN))


def servicers(
    stores: Stores,
    once: Once,
    pages: PageTokens,
    known: KnownTypes,
    describe: Describe,
    subscriptions: Subscriptions,
    publisher: Publisher,
) -> Mapping[str, Any]:
    """The services by their full names, joined from their parts."""
    return {
        "causeway.bridge.v1.EventService": Events(stores, pages, subscriptions, publisher),
        "causeway.bridge.v1.OperationsService": Operations(
            describe,
            DeadLetters(stores, pages),
            Replays(stores, pages),
            once,
            known,
        ),
    }
