"""What a run does: who writes what, who carries and handles it, and what hurts them meanwhile."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.kafka.consumer import SESSION_TIMEOUT_MS
from tests.torture import adversaries
from tests.torture.stage import Stage

Adversary = Callable[[Stage], Awaitable[None]]
"""Hurts the stage for as long as the writers write, and leaves it whole."""

QUICK_SESSION_MS = 3000
"""A dead member is missed after this long, where a run has no time for the product's 6 s."""


@dataclass(frozen=True)
class Plan:
    """One kind of run. The product keeps its promises in all of them, for every seed."""

    adversary: Adversary
    writers: int = 1
    tasks: int = 8
    streams: int = 12
    one_partition: bool = False
    """All streams in one partition, so that one broker leads them."""
    ways: Mapping[str, float] = field(default_factory=lambda: {"commit": 1.0})
    kinds: Mapping[str, float] = field(default_factory=lambda: {"plain": 1.0})
    pace: float = 0.1
    """Most seconds between two appends of a task."""
    relays: int = 1
    slow_relay: float = 0.0
    """Seconds that the first relay takes to hand something to Kafka's client."""
    members: int = 1
    guests: int = 0
    groups: int = 1
    deaths: int = 0
    """How often each member dies at a commit of offsets that its seed chooses."""
    death: str = "before"
    handling: Mapping[str, Any] = field(default_factory=lambda: {"pace": 0.0})
    session_ms: int = QUICK_SESSION_MS
    patience: float = 4.0
    """Seconds without progress after which nothing more is expected of a planted bug."""
    touches_parts: bool = False
    """Whether it hurts PostgreSQL or brokers, so that nothing else may run beside it."""


ALL_WAYS = {
    "commit": 0.3,
    "alone": 0.1,
    "grouped": 0.2,
    "late": 0.2,
    "roll_back": 0.1,
    "cancel": 0.1,
}

EVERYTHING = Plan(
    adversary=adversaries.everything,
    writers=2,
    tasks=6,
    streams=40,
    ways=ALL_WAYS,
    kinds={"plain": 0.84, "flaky": 0.1, "poison": 0.04, "stubborn": 0.02},
    pace=0.2,
    relays=2,
    members=2,
    guests=1,
    groups=2,
    deaths=1,
    handling={"pace": 0.0, "stay": 2.0},
    session_ms=SESSION_TIMEOUT_MS,
    touches_parts=True,
)

PLANS: Mapping[str, Plan] = {
    "everything": EVERYTHING,
    "cursor": Plan(adversary=adversaries.calm, ways={"commit": 0.6, "late": 0.4}),
    "skip-locked": Plan(
        adversary=adversaries.stalling_relays,
        streams=3,
        relays=2,
        slow_relay=0.2,
    ),
    "inbox-off": Plan(adversary=adversaries.deaths, deaths=2, patience=5.0),
    "commit-first": Plan(
        adversary=adversaries.deaths,
        deaths=2,
        death="after",
        tasks=4,
        handling={"pace": 0.03},
        patience=5.0,
    ),
    "parking-passes": Plan(adversary=adversaries.calm, kinds={"plain": 0.95, "poison": 0.05}),
    "acks-one": Plan(
        adversary=adversaries.lost_leader,
        one_partition=True,
        patience=6.0,
        touches_parts=True,
    ),
}
"""By name: of everything at once, and of each planted bug the plan that provokes it."""
