"""The check of a million events: flat memory, and what was done to them is named."""

import asyncio
import json
import sys
from typing import Any

import asyncpg
import pytest

from bridge.audit.findings import Kind
from tests.integration.bridge.parts import Parts, outbox_is_empty, relaying, until
from tests.integration.bridge.tampering import TAMPERING, cut, recompute, swap_data

EVENTS = 1_000_000
MEMORY_MB = 250

CHECK = """
import asyncio, json, resource, sys
from bridge.audit.verify import verify
from tests.integration.bridge.parts import SOURCE, catalog_on, kafka_settings, seals_topic

topic = sys.argv[2]
report = asyncio.run(
    verify(sys.argv[1], kafka_settings(), catalog_on(topic), SOURCE, seals=seals_topic(topic))
)
print(json.dumps({
    "seals": report.seals,
    "records": report.records,
    "findings": [finding.fields() for finding in report.findings],
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


async def checked(parts: Parts) -> dict[str, set[int]]:
    """Check in a process of its own, within the memory it may take: positions by kind."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHECK, parts.dsn, parts.topic, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    assert child.returncode == 0
    report: dict[str, Any] = json.loads(output)
    assert report["megabytes"] <= MEMORY_MB, f"{report['megabytes']:.0f} MB"
    found: dict[str, set[int]] = {}
    for finding in report["findings"]:
        found.setdefault(finding["kind"], set()).add(finding.get("position", 0))
    return found


@pytest.mark.long
@pytest.mark.timeout(2400)
async def test_of_a_million_events_every_tampering_is_named_in_flat_memory(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    god = await asyncpg.connect(parts.superuser)
    await god.execute(TAMPERING["fill"], EVENTS)
    await god.execute(TAMPERING["queue"], parts.topic)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection), 1200)
    assert await checked(parts) == {}

    altered, removed, one, other = (EVENTS * share // 10 for share in (2, 4, 6, 8))
    await god.execute(TAMPERING["alter"], altered)
    await god.execute(TAMPERING["remove"], removed)
    inserted = await god.fetchval(TAMPERING["insert"], "orders/o1", EVENTS)
    await swap_data(god, one, other)
    found = await checked(parts)
    assert found[Kind.ALTERED.name] == {altered}
    assert found[Kind.REMOVED.name] == {removed}
    assert found[Kind.INSERTED.name] == {inserted}
    assert found[Kind.SWAPPED.name] == {one, other}
    assert found[Kind.LOG_DIFFERS.name] == {altered, one, other}

    await cut(god, EVENTS - 500)
    found = await checked(parts)
    assert Kind.TAIL_CUT.name in found
    assert Kind.RECOMPUTED.name not in found

    await recompute(god)
    found = await checked(parts)
    await god.close()
    assert Kind.RECOMPUTED.name in found
    assert found[Kind.LOG_DIFFERS.name] == {altered, one, other}
    assert Kind.ALTERED.name not in found
