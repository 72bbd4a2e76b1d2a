"""What waits in the stores: events that are parked, and events that Kafka has not taken yet.

Read straight from the databases, as `status` must be right when the API is what is down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from stack.environment import stores
from stack.platform import Platform

if TYPE_CHECKING:
    import asyncpg

LIMIT = 2.0
"""Seconds for all databases together."""
OLD = 10.0
"""Seconds. A younger outbox is on its way."""
SQL = Path(__file__).with_name("backlog.sql")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events of one group that are parked, or (`group` empty) a store's outbox."""

    store: str
    group: str
    count: int
    oldest: datetime
    next_command: str

    def __str__(self) -> str:
        since = f"the oldest since {self.oldest:%Y-%m-%d %H:%M:%S} UTC"
        what = f"{self.count} event{'s' if self.count != 1 else ''}"
        if self.group:
            return f"{what} of {self.group} parked, {since}: {self.next_command}"
        return f"{what} of {self.store} not on Kafka yet, {since}: {self.next_command}"


async def waiting(platform: Platform) -> tuple[list[Waiting], str]:
    """What waits in the stores of the services that run, and why it is unknown: "" when it is not.

    A platform without workers has nothing to wait for.
    """
    dsns = stores(platform.settings, platform.credentials)
    running = {component.name.partition("-")[0] for component in platform.components}
    present = [name for name in dsns if name in running]
    try:
        with anyio.fail_after(LIMIT):
            answers = [await waiting_in(store, dsns[store]) for store in present]
    except TimeoutError:
        return [], f"the databases did not answer within {LIMIT:g} s"
    except Exception as error:  # whatever it is: a status tells, and goes on
        return [], str(error) or type(error).__name__
    return [one for answer in answers for one in answer], ""


async def waiting_in(store: str, dsn: str) -> list[Waiting]:
    """What waits in one store."""
    # Imported here: a platform without stores shall be asked without a database driver.
    import asyncpg

    connection = await asyncpg.connect(dsn, timeout=LIMIT)
    try:
        rows = await connection.fetch(SQL.read_text("utf-8"), OLD)
    finally:
        connection.terminate()
    return [_waiting(store, row) for row in rows]


def _waiting(store: str, row: "asyncpg.Record") -> Waiting:
    group = row["consumer_group"]
    command = (
        f"causeway deadletters list --group {group}" if group else f"causeway logs {store}-worker"
    )
    return Waiting(store, group, row["count"], row["oldest"], command)


def as_json_row(one: Waiting) -> dict[str, object]:
    """For `status --json`; `group` is null for an outbox."""
    return {
        "kind": "parked" if one.group else "outbox",
        "store": one.store,
        "group": one.group or None,
        "count": one.count,
        "oldest": one.oldest.isoformat(),
        "next": one.next_command,
    }


def text(rows: Sequence[Waiting], unknown: str) -> str:
    """The warnings, a line each; empty when there is nothing to say."""
    lines = [f"warning: {row}" for row in rows]
    if unknown:
        lines.append(f"what waits in the stores is unknown: {unknown}")
    return "\n".join(lines)
