"""The relay goes on after the last position it took: what commits late below it is never seen."""

from collections.abc import Iterable

import asyncpg

from bridge.relay import relay
from bridge.relay.outbox import EMPTY, PAGE, Done, Outbox, Page

LAST = "SELECT coalesce(max(position), 0) FROM bridge.published"


class CursorOutbox(Outbox):
    """Passes over what stands at or below its cursor."""

    _last = 0

    async def page(
        self,
        connection: asyncpg.Connection,
        flying: Iterable[Page],
        done: Done | None = None,
        most: int = PAGE,
    ) -> Page:
        taken = [position for page in flying for position in page.positions]
        self._last = max(self._last, await connection.fetchval(LAST), *taken)
        below = EMPTY._replace(ranges=f"(,{self._last}]")
        return await super().page(connection, [below], done, most)


def plant() -> None:
    relay.Outbox = CursorOutbox  # type: ignore[attr-defined]
