"""A run: customers come while processes die, until all have died where they should."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from tests.crashpoints.callers import Callers
from tests.crashpoints.corner import Corner
from tests.crashpoints.customer import Customer
from tests.crashpoints.customers import Life
from tests.crashpoints.evidence import waiting
from tests.crashpoints.posts import Post, manned
from tests.crashpoints.trigger import Aim, points_in

AT_ONCE = 8
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
        known = await _lived(corner, posts, customers)
        await _settled(corner)
    seen = [points_in(life.report) for life in lives]
    return Told(
        known,
        {point for passed, _ in seen for point in passed},
        [point for _, crashed in seen for point in crashed],
        [aim for post in posts for aim in post.missed],
    )


async def _lived(corner: Corner, posts: Sequence[Post], least: int) -> list[Customer]:
    """Let at least so many customers come, and more while somebody has yet to die; gives them."""
    callers = Callers(corner.ports, corner.issuer)
    known: list[Customer] = []
    living: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as tasks:
        while len(known) < least or any(post.busy for post in posts):
            if len(living) < AT_ONCE and await waiting(corner) < BACKLOG:
                name = f"u{uuid.uuid4().hex[:12]}"
                known.append(Customer(name, forgetful=len(known) % 2 == 1))
                task = tasks.create_task(Life(callers, known[-1], corner).run())
                living.add(task)
                task.add_done_callback(living.discard)
                for post in posts:
                    post.visited = True
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
