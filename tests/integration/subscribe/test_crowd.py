"""Many subscribers on one bridge process: its memory, and what they see of its death."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.bridge.parts import own_database
from tests.integration.subscribe.conftest import Place
from tests.integration.subscribe.crowd import Crowd, crowd
from tests.integration.subscribe.replica import Replica, descriptors_on, environment, replica
from tests.integration.subscribe.writing import Writer
from tests.unit.server.conftest import Issuer

A_SUBSCRIBER = 300 * 1024
"""Bytes that one may cost, most of them gRPC's."""
SHARED = 40 * 1024 * 1024
"""Bytes that the first one may cost: readers, and the window that all look at."""

PATIENCE = 240.0


@pytest.mark.parametrize(
    ("number", "events"),
    [
        pytest.param(100, 60, id="100"),
        pytest.param(1_000, 40, id="1000", marks=[pytest.mark.long, pytest.mark.timeout(600)]),
    ],
)
async def test_a_crowd_costs_little_memory_and_misses_nothing_when_its_replica_is_killed(
    place: Place, writer: Writer, issuer: Issuer, tmp_path: Path, number: int, events: int
) -> None:
    async with AsyncExitStack() as opened:
        _, _, dsn = await opened.enter_async_context(own_database())
        given = environment(dsn, issuer.url, descriptors_on(place.topic, tmp_path))
        given["CAUSEWAY_MAX_STREAMS_PER_SUBJECT"] = str(number)
        first, second = await asyncio.gather(
            *(opened.enter_async_context(replica(given, tmp_path / f"{n}.log")) for n in (1, 2))
        )
        before = first.memory
        readers = await opened.enter_async_context(
            crowd(number, place.topic, lambda: issuer.token("auditor"), [first.port])
        )
        await readers.until(lambda one: one.subscribed == 1, PATIENCE)
        written = await writer.several("before", events)
        await readers.until(lambda one: len(one.got) == len(written), PATIENCE)
        growth = first.memory - before
        written += await killed_meanwhile(readers, writer, first, second, events)
        await readers.until(lambda one: len(one.got) >= len(written), PATIENCE)
    for one in readers.members:
        assert sorted(one.got.values()) == sorted(f"events/{event_id}" for event_id in written)
        assert one.in_order()
        assert one.subscribed >= 2
    print(f"{number} subscribers: {growth / number / 1024:.0f} KiB each")
    assert growth < SHARED + number * A_SUBSCRIBER


async def killed_meanwhile(
    readers: Crowd, writer: Writer, first: Replica, second: Replica, events: int
) -> list[str]:
    """Write while the first replica is killed in the middle of it; what was written."""
    written = await writer.several("meanwhile", events // 2)
    readers.ports = [second.port]
    first.kill()
    return written + await writer.several("after", events // 2)
