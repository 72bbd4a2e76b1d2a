"""Who can be told: names and addresses, from the events of Users."""

from dataclasses import dataclass

import asyncpg

from services.notifications.sql import query


@dataclass(frozen=True, slots=True)
class Recipient:
    """How to reach and address a user."""

    display_name: str
    email: str


async def save(connection: asyncpg.Connection, user_id: str, recipient: Recipient) -> None:
    """Know a user from now on, or know it better."""
    await connection.execute(
        query("recipient_save"), user_id, recipient.display_name, recipient.email
    )


async def find(connection: asyncpg.Connection, user_id: str) -> Recipient | None:
    """The recipient, or None."""
    row = await connection.fetchrow(query("recipient_get"), user_id)
    return None if row is None else Recipient(row["display_name"], row["email"])
