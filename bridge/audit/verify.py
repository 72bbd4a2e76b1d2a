"""The check of one store's history: its seals, the heads on Kafka, and the log.

Not obvious: the order in which it looks. The ends of the log first, then a snapshot of the
database, then the ends again. What is below the first ends was stored before the snapshot; what
the snapshot says was published is below the second. So a relay that works meanwhile, or died
anywhere, gives no false alarm.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from bridge.audit.anchors import check_anchors
from bridge.audit.chain import Progress, check_chain
from bridge.audit.findings import Finding, Kind, Report
from bridge.audit.heads import TOPIC
from bridge.audit.log import LogCheck
from bridge.audit.structure import check_structure
from bridge.audit.unsealed import check_unsealed
from bridge.events.catalog import Catalog
from bridge.kafka.settings import KafkaSettings
from bridge.kafka.span import open_span
from bridge.outages import is_away
from bridge.sql import queries

CONNECT_SECONDS = 10.0
SESSION_SETTINGS = {"search_path": "pg_catalog", "row_security": "on"}
"""What the owner of the database can set for a role must not change what a query means."""


async def verify(
    dsn: str,
    kafka: KafkaSettings,
    catalog: Catalog,
    source: str,
    *,
    seals: str = TOPIC,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Check one store: `source` is "/causeway/orders", `catalog` holds its own events alone.

    Read only, in one snapshot that is held to the end; memory does not grow with the store (one
    bit a record). `seals` is the topic of the heads. Raises what the database (asyncpg) and Kafka
    (KafkaError, OSError) raise when they are away, OutOfRange if the log is cut meanwhile, and
    Unavailable if a partition gives nothing more; its snapshot is given up then.
    """
    report = Report(source)
    async with AsyncExitStack() as held:
        connection = await asyncpg.connect(
            dsn, timeout=CONNECT_SECONDS, server_settings=SESSION_SETTINGS
        )
        held.push_async_callback(connection.close)
        topics = set(catalog.topics())
        async with _named(connection, report, "topics"):
            topics |= {row[0] for row in await connection.fetch(queries("verify")["topics"])}
        log = await held.enter_async_context(open_span(kafka, topics))
        heads = await held.enter_async_context(open_span(kafka, [seals]))
        older, heads_end = await log.ends(), await heads.ends()
        await held.enter_async_context(
            connection.transaction(isolation="repeatable_read", readonly=True)
        )
        # A snapshot begins with its first statement, not with BEGIN.
        await connection.fetchval("SELECT 1")
        ends = await log.ends()
        await check_structure(connection, report)
        async with _named(connection, report, "the log"):
            places = await LogCheck(connection, catalog, report, older).run(log, ends, progress)
            async with _named(connection, report, "the seals"):
                await check_chain(connection, report, places, progress)
        async with _named(connection, report, "events without a seal"):
            await check_unsealed(connection, report, catalog.topics())
        async with _named(connection, report, "the heads"):
            await check_anchors(connection, report, heads, heads_end)
    return report


@asynccontextmanager
async def _named(connection: asyncpg.Connection, report: Report, what: str) -> AsyncIterator[None]:
    """Make a finding of what PostgreSQL refuses: with other tables than ours it may be any."""
    try:
        async with connection.transaction():
            yield
    except asyncpg.PostgresError as error:
        if is_away(error):
            raise
        report.add(Finding(Kind.UNREADABLE, detail=f"{what}: {error}"))
