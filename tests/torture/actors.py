"""One child process of a run: `python -m tests.torture.actors`, its orders on standard input.

It ends with its parent: the pipe on its standard input is the parent's life.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping

from bridge.relay import relay
from bridge.server.process import run
from tests.integration.bridge.parts import SOURCE, catalog_on, seals_topic
from tests.torture import adversities, planted
from tests.torture.consuming import consume, visit
from tests.torture.orders import Orders, parse
from tests.torture.writing import write


async def carry(orders: Orders, stop: asyncio.Event) -> None:
    """Relay, as a worker does."""
    history = orders.history()
    history.note("relaying", life=orders.life)
    # By its module: a planted bug may have put another one there.
    relaying = relay.Relay(
        orders.dsn,
        orders.kafka,
        catalog_on(orders.topic),
        SOURCE,
        seals=seals_topic(orders.topic),
    )
    await relaying.run(stop)
    history.note("relayed", life=orders.life)


ROLES: Mapping[str, Callable[[Orders, asyncio.Event], Awaitable[None]]] = {
    "writer": write,
    "relay": carry,
    "consumer": consume,
    "guest": visit,
}


def main() -> int:
    """Take the orders, do as told until SIGTERM, end with the parent."""
    orders = parse(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    adversities.prepare(orders)
    planted.plant(orders.bug)

    async def act() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await ROLES[orders.role](orders, stop)

    return run(orders.name, act)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
