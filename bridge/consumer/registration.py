"""What a worker's groups consume, written where the bridge's API finds it: `bridge.consumers`."""

from collections.abc import Sequence

import asyncpg

from bridge.database import acquire
from bridge.events.catalog import Catalog
from bridge.sql import queries
from bridge.subscription import Subscription


async def register(
    pool: asyncpg.Pool, subscriptions: Sequence[Subscription], catalog: Catalog
) -> None:
    """Write each group's row, once at a worker's start. Idempotent.

    A group that a service has given up keeps its row: its inbox and its parked events are still
    there to be asked for.
    """
    async with acquire(pool) as connection, connection.transaction():
        for one in sorted(subscriptions, key=lambda subscription: subscription.group):
            await connection.execute(
                queries("consumers")["register"],
                one.group,
                topics_of(one, catalog),
                sorted(one.types),
                list(one.tables),
                list(one.effects),
                one.live,
            )


def topics_of(subscription: Subscription, catalog: Catalog) -> list[str]:
    """List the topics that a subscription's types are on, sorted, each once."""
    return sorted({catalog[name].topic for name in subscription.types})
