"""A worker that does not work is not ready; one that is interrupted for a moment is."""

from dataclasses import dataclass
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.readiness import mostly, working


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Part:
    """A relay or a consumer, as far as readiness looks at it."""

    active: bool = False
    standing_by: bool = False
    assigned: bool = False
    failing: bool = False


async def test_an_interruption_is_forgiven_for_the_grace_and_no_longer() -> None:
    clock, part = Clock(), Part(assigned=True)
    probe = mostly(lambda: part.assigned, grace=15, clock=clock)
    await probe()
    part.assigned = False
    clock.now += 15
    await probe()
    clock.now += 0.1
    with pytest.raises(Unavailable):
        await probe()
    part.assigned = True
    await probe()
    part.assigned = False
    clock.now += 15
    await probe()


async def test_what_never_began_is_not_ready_after_the_grace() -> None:
    clock = Clock()
    probe = mostly(lambda: False, grace=15, clock=clock)
    await probe()
    clock.now += 15.1
    with pytest.raises(Unavailable):
        await probe()


@pytest.mark.parametrize(
    ("relay", "consumers", "failing"),
    [
        (Part(active=True), [Part(assigned=True)], set()),
        (Part(standing_by=True), [Part(assigned=True)], set()),
        (Part(), [Part(assigned=True)], {"relay"}),
        (Part(active=True), [Part(assigned=True), Part()], {"consumers"}),
        (Part(active=True), [Part(assigned=True, failing=True)], {"consumers"}),
        (Part(), [Part()], {"relay", "consumers"}),
    ],
)
async def test_a_worker_is_ready_by_its_relay_and_all_its_consumers(
    relay: Any, consumers: Any, failing: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("bridge.readiness.mostly.__defaults__", (15.0, clock))
    probes = working(relay, consumers)
    clock.now += 16
    failed = set()
    for name, probe in probes.items():
        try:
            await probe()
        except Unavailable:
            failed.add(name)
    assert failed == failing
