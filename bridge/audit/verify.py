"""The check of one store's history: its seals, the heads on Kafka, and the log.

Not obvious: the order in which it looks. The ends of the log first, then a snapshot of the
database, then the ends again. What is below the first ends was stored before the snapshot; what
the snapshot says was published is below the second. So a relay that works meanwhile, or died
anywhere, gives no false alarm.
"""

from contextlib import AsyncExitStack

import asyncpg

from bridge.audit.anchors import check_anchors
from bridge.audit.chain import Progress, check_chain
from bridge.audit.findings import Report
from bridge.audit.heads import TOPIC
from bridge.audit.log import LogCheck
from bridge.events.catalog import Catalog
from bridge.kafka.settings import KafkaSettings
from bridge.kafka.span import open_span
from bridge.sql import queries

CONNECT_SECONDS = 10.0


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
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
        held.push_async_callback(connection.close)
        topics = set(catalog.topics())
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
        places = await LogCheck(connection, catalog, report, older).run(log, ends, progress)
        await check_chain(connection, report, places, progress)
        await check_anchors(connection, report, heads, heads_end)
    return report
