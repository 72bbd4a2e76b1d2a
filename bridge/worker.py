"""A service's background work, composed from a few values: relay, consumers, redrive, replays and
clean-up.

Whoever runs it (a worker process beside its health, or a program of one's own) gets the tasks and
the probes that say whether they work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from bridge.consumer.consumer import Consumer
from bridge.consumer.registration import register
from bridge.database import answers
from bridge.events.catalog import Catalog
from bridge.kafka.settings import KafkaSettings
from bridge.parking.redrive import Redriver
from bridge.readiness import working
from bridge.relay.relay import Relay
from bridge.replay.replayer import Replayer
from bridge.server.background import Background
from bridge.server.health import Probe
from bridge.store.cleanup import Cleaner, Retention
from bridge.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Work:
    """What the background work of one service follows from."""

    source: str
    """`/causeway/<service>`, in every event that its store relays."""
    dsn: str
    pool: asyncpg.Pool
    """Should hold a connection for each lane of each consumer."""
    kafka: KafkaSettings
    catalog: Catalog
    """The events that the service writes, and those that it handles."""
    subscriptions: Sequence[Subscription] = ()
    retention: Retention = field(default_factory=Retention)


@dataclass(frozen=True, slots=True)
class Worker:
    """Work that is ready to be run."""

    background: Sequence[Background]
    ready: Mapping[str, Probe] = field(default_factory=dict)


async def compose(work: Work) -> Worker:
    """Register the groups, and join the parts. Nothing runs yet."""
    pool, catalog, groups = work.pool, work.catalog, work.subscriptions
    await register(pool, groups, catalog)
    relay = Relay(work.dsn, work.kafka, catalog, work.source)
    consumers = [
        Consumer(one, catalog=catalog, pool=pool, kafka=work.kafka) for one in groups if one.live
    ]
    redriver = Redriver(groups, catalog, pool)
    replayer = Replayer(groups, catalog, work.source, work.dsn, pool, work.kafka)
    cleaner = Cleaner(pool, work.retention)
    return Worker(
        background=(
            relay.run,
            *(consumer.run for consumer in consumers),
            redriver.run,
            replayer.run,
            cleaner.run,
        ),
        ready={"database": answers(pool), **working(relay, consumers)},
    )
