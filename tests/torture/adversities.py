"""What happens to an honest actor from within: it dies, or is slow, at the worst moment.

A signal from outside hits that moment by luck alone; here it comes from the port to Kafka. A
planted bug and the product meet the same.
"""

import asyncio
import itertools
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bridge.kafka import consumer as port
from bridge.kafka.consumer import GroupConsumer
from bridge.kafka.producer import Producer
from bridge.kafka.record import Partition
from tests.torture.orders import Orders


def prepare(orders: Orders) -> None:
    """Obey the options `session_ms` (Kafka's session timeout), `slow` and `die`.

    `slow` is how many seconds a record waits before it is handed to the client. `die` lists, for
    each life, at which commit of offsets it dies and whether "before" or "after" it; lives beyond
    the list die of nothing.
    """
    if "session_ms" in orders.options:
        port.SESSION_TIMEOUT_MS = orders.options["session_ms"]
        port.HEARTBEAT_MS = orders.options["session_ms"] // 4
    if "slow" in orders.options:
        for name in [one for one in ("send", "send_all") if hasattr(Producer, one)]:
            setattr(Producer, name, _slow(getattr(Producer, name), orders.options["slow"]))
    deaths = orders.options.get("die", ())
    if orders.life <= len(deaths):
        when, number = deaths[orders.life - 1]
        _die_at_commit(when, number)


def _slow(send: Callable[..., Awaitable[Any]], seconds: float) -> Callable[..., Awaitable[Any]]:
    async def late(*given: Any) -> Any:
        await asyncio.sleep(seconds)
        return await send(*given)

    return late


def _die_at_commit(when: str, number: int) -> None:
    commit = GroupConsumer.commit
    count = itertools.count(1)

    async def deadly(self: GroupConsumer, offsets: Mapping[Partition, int]) -> None:
        mine = next(count) == number
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await commit(self, offsets)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)

    GroupConsumer.commit = deadly  # type: ignore[method-assign]
