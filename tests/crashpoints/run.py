"""A run: customers come while processes die, until all have died where they should."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.crashpoints.corner import Corner
from tests.crashpoints.customers import Callers, Customer, Life
from tests.crashpoints.evidence import waiting
from tests.crashpoints.posts import manned
from tests.crashpoints.trigger import Aim, points_in

AT_ONCE = 6
"""Customers at the same time."""
ARRIVALS = 0.5
"""Seconds between two of them."""
BACKLOG = 150
"""With so much on its way nobody comes, however slow the machine is and often its processes die."""
SETTLE_SECONDS = 60.0


@dataclass
class Told:
    """What a run saw."""

    customers: list[Customer]
    passed: set[str]
    crashed: list[str]
    missed: list[Aim]


async def carry_out(
    corner: Corner, aims: Sequence[Aim] = (), customers: int = 1, **bugs: str
) -> Told:
    """Let at least so many customers live while processes die at `aims`; returns settled."""
    lives = corner.lives(**bugs)
    async with manned(lives, aims) as posts:
        known = await _lived(
            corner, lambda so_far: so_far < customers or any(p.busy for p in posts)
        )
        await _settled(corner)
    seen = [points_in(life.report) for life in lives]
    return Told(
        known,
        {point for passed, _ in seen for point in passed},
        [point for _, crashed in seen for point in crashed],
        [aim for post in posts for aim in post.missed],
    )


async def _lived(corner: Corner, wanted: Callable[[int], bool]) -> list[Customer]:
    """Let customers come while more are `wanted` and there is room; gives those who came."""
    callers = Callers(corner.ports, corner.issuer)
    hooks = f"http://127.0.0.1:{corner.hooks.port}"
    known: list[Customer] = []
    living: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as tasks:
        while wanted(len(known)):
            if len(living) < AT_ONCE and await waiting(corner) < BACKLOG:
                known.append(Customer(f"u{uuid.uuid4().hex[:12]}"))
                task = tasks.create_task(Life(callers, known[-1], hooks).run())
                living.add(task)
                task.add_done_callback(living.discard)
            await asyncio.sleep(ARRIVALS)
    await callers.close()
    return known


async def _settled(corner: Corner) -> None:
    """Wait until nothing waits any more; the checker says what does, if it takes too long."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        if not await waiting(corner):
            return
        await asyncio.sleep(0.2)
