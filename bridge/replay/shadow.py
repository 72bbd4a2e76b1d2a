"""The shadow of a projection: tables like the live ones, and the swap of their rows.

No table but the shadow's own is made, changed or dropped: the service's role may not. So the swap
moves rows.
"""

from collections.abc import Sequence

import asyncpg

from bridge.errors import FailedPrecondition
from bridge.events.event import Event
from bridge.replay.ledger import Replay
from bridge.sql import queries
from bridge.subscription import Subscription

LOCK_MILLISECONDS = 500
SWAP_SECONDS = 3600.0
"""The rows of a large table take their time: the limit of other statements is not meant."""


class Shadow:
    """The tables of one rebuild, on the connection that holds its lock."""

    def __init__(
        self, connection: asyncpg.Connection, subscription: Subscription, replay: Replay
    ) -> None:
        self._connection = connection
        self._group = subscription.group
        self._tables = subscription.tables
        self._types = sorted(subscription.types)
        self._actor = replay.actor
        # With a space, so that no service has a table of this name.
        self._notes = _quoted(f"handled {replay.epoch}")
        self._sql = queries("shadow")

    async def make(self) -> None:
        """Make it anew, empty. FailedPrecondition: the live tables are not what they should be."""
        await self._check_references()
        await self.drop()
        for table in self._tables:
            columns = await self._columns("public", table)
            if not columns:
                raise FailedPrecondition(
                    f"{self._group} declares table {table}, and there is no public.{table}",
                    reason="TABLE_MISSING",
                )
            await self._execute("make", table=_quoted(table))
            for column in columns:
                if column["sequence"] is not None:
                    await self._execute(
                        "number",
                        table=_quoted(table),
                        column=_quoted(column["name"]),
                        sequence=_literal(column["sequence"]),
                    )
        await self._execute("make_notes", notes=self._notes)

    async def drop(self) -> None:
        """Drop it, whatever there is of it."""
        for name in (*map(_quoted, self._tables), self._notes):
            await self._execute("drop", table=name)

    async def enter(self) -> None:
        """Let the handlers' unqualified names mean the shadow, on this connection."""
        await self._connection.execute(self._sql["enter"])

    async def is_like_live(self) -> bool:
        """Whether it is there, and no migration has changed the live tables since."""
        for table in self._tables:
            live = await self._columns("public", table)
            ours = await self._columns("bridge_shadow", table)
            if [(c["name"], c["type"]) for c in live] != [(c["name"], c["type"]) for c in ours]:
                return False
        return True

    async def check_writes(self) -> None:
        """Refuse a transaction that wrote to a table of others: a rebuild has no other effect."""
        strayed = await self._connection.fetchval(self._sql["strayed"])
        if strayed is not None:
            raise FailedPrecondition(
                f"a handler of {self._group} wrote {strayed} in a rebuild; it may write its tables "
                f"({', '.join(self._tables)}) by their names without a schema, and nothing else",
                reason="WRITES_OUTSIDE",
            )

    async def note(self, events: Sequence[Event]) -> None:
        """Note events that the live group may still have before it."""
        await self._execute("note", [event.id for event in events], notes=self._notes)

    async def hold(self, gate_seconds: float) -> bool:
        """Hold the group and its tables until the end of the transaction; False: not now.

        The gate is waited for as long as said, which is how long its handlers stand still at most
        before they go on; who waits there holds nothing that others want.
        """
        await self._execute("be_sure")
        try:
            await self._execute("patience", milliseconds=int(gate_seconds * 1000))
            await self._execute("close_gate", self._group)
            await self._execute("patience", milliseconds=LOCK_MILLISECONDS)
            names = ", ".join(f"public.{_quoted(table)}" for table in self._tables)
            await self._execute("hold", tables=names)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            return False
        return True

    async def replace(self) -> None:
        """Put the shadow's rows in the place of the live ones, and note what they stand for.

        The parked events among that are asked to leave their keys. Locks are waited for no longer
        than `hold` has said: somebody who has a parked event may be waiting at the gate.
        """
        await self._execute("mark", self._group, self._types, notes=self._notes)
        await self._execute("release", self._group, self._types, self._actor)
        for table in reversed(self._tables):
            await self._execute("empty", table=_quoted(table))
        for table in self._tables:
            columns = ", ".join(
                _quoted(column["name"])
                for column in await self._columns("public", table)
                if not column["computed"]
            )
            await self._execute("fill", table=_quoted(table), columns=columns)
        await self.drop()

    async def _check_references(self) -> None:
        names = [f"public.{_quoted(table)}" for table in self._tables]
        try:
            found = await self._connection.fetchrow(self._sql["referencing"], names)
        except asyncpg.UndefinedTableError:
            return  # told by its name later on
        if found is not None:
            raise FailedPrecondition(
                f"{found['source']} has a foreign key to {found['target']}, whose rows a rebuild "
                "replaces: drop it, or make both tables of the same group",
                reason="TABLE_REFERENCED",
            )

    async def _columns(self, schema: str, table: str) -> Sequence[asyncpg.Record]:
        rows: Sequence[asyncpg.Record] = await self._connection.fetch(
            self._sql["columns"], f"{schema}.{_quoted(table)}"
        )
        return rows

    async def _execute(self, query: str, *arguments: object, **names: object) -> None:
        text = self._sql[query].format(**names)
        await self._connection.execute(text, *arguments, timeout=SWAP_SECONDS)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
