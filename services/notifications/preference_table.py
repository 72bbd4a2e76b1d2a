"""How users want to be told; who never said has the defaults."""

from dataclasses import dataclass, field

import asyncpg

from services.notifications.sql import query


@dataclass(frozen=True, slots=True)
class Preference:
    """By mail unless disabled, and by a signed POST where there is a webhook."""

    email_disabled: bool = False
    webhook_uri: str = ""
    """Empty: none. Never without a secret."""
    webhook_secret: str = field(default="", repr=False)
    """Key of the signature. In no log, event or answer."""
    version: int = 0
    """The etag; 0 before the first change."""


async def find(connection: asyncpg.Connection, user_id: str) -> Preference:
    """The user's, or the defaults."""
    row = await connection.fetchrow(query("preference_get"), user_id)
    return Preference() if row is None else Preference(**row)


async def lock(connection: asyncpg.Connection, user_id: str) -> None:
    """Hold the user's preferences, there or not, until the end of the transaction."""
    await connection.execute(query("preference_lock"), user_id)


async def save(connection: asyncpg.Connection, user_id: str, preference: Preference) -> None:
    """Write preferences that are locked."""
    await connection.execute(
        query("preference_save"),
        user_id,
        preference.email_disabled,
        preference.webhook_uri,
        preference.webhook_secret,
        preference.version,
    )
