"""The notifications, as their recipients see them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import IntEnum

import asyncpg

from bridge.errors import Internal
from services.notifications.payload import Payload
from services.notifications.sql import query


class State(IntEnum):
    """The numbers are those of `causeway.notifications.v1.Notification.State`."""

    PENDING = 1
    SENT = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one user on one channel; `recipient` is `users/{id}`."""

    id: str
    recipient: str
    channel: str
    title: str
    body: str
    state: State
    cause_event_id: str
    subject: str
    create_time: datetime
    send_time: datetime | None = None
    read_time: datetime | None = None

    @property
    def user_id(self) -> str:
        """The recipient's."""
        return self.recipient.removeprefix("users/")


async def add(connection: asyncpg.Connection, notification: Notification) -> tuple[str, bool]:
    """Add one: its id and True; or, if its event was told on this channel, that one's and False."""
    row = await connection.fetchrow(
        query("notification_add"),
        notification.id,
        notification.recipient,
        notification.channel,
        notification.title,
        notification.body,
        notification.state,
        notification.cause_event_id,
        notification.subject,
        notification.create_time,
    )
    return row["id"], row["is_new"]


async def is_told(connection: asyncpg.Connection, event_id: str) -> bool:
    """Whether any notification tells of the event."""
    return bool(await connection.fetchval(query("notification_is_told"), event_id))


async def find(connection: asyncpg.Connection, notification_id: str) -> Notification | None:
    """The notification, or None."""
    row = await connection.fetchrow(query("notification_get"), notification_id)
    return None if row is None else notification_of(row)


async def delivered(connection: asyncpg.Connection, payload: bytes) -> Notification:
    """The notification of a delivery with this payload (`Payload`)."""
    notification_id = Payload.read(payload).notification_id
    notification = await find(connection, notification_id)
    if notification is None:
        raise Internal(f"notifications/{notification_id} has a delivery and no row")
    return notification


async def end(
    connection: asyncpg.Connection,
    notification_id: str,
    state: State,
    send_time: datetime | None,
) -> None:
    """Show how it ended; `send_time` if its channel took it."""
    await connection.execute(query("notification_end"), notification_id, state, send_time)


async def mark_read(
    connection: asyncpg.Connection, notification_id: str, recipient: str
) -> Notification | None:
    """The notification, read since now or since before; None where the recipient has no such."""
    row = await connection.fetchrow(query("notification_mark_read"), notification_id, recipient)
    return None if row is None else notification_of(row)


async def page(
    connection: asyncpg.Connection, recipient: str, before: str | None, limit: int
) -> Sequence[Notification]:
    """At most `limit` notifications older than the one with the id `before`, newest first."""
    rows = await connection.fetch(query("notifications_page"), recipient, before, limit)
    return [notification_of(row) for row in rows]


def notification_of(row: asyncpg.Record) -> Notification:
    """Read a row, which may have more columns."""
    columns = {field.name: row[field.name] for field in fields(Notification)}
    return Notification(**columns | {"state": State(row["state"])})
