"""What Orders knows of its customers. No order waits for it."""

from datetime import datetime

import asyncpg

from services.orders.sql import query


async def register(
    connection: asyncpg.Connection,
    user_id: str,
    username: str,
    display_name: str,
    time: datetime,
) -> None:
    """Make a customer known."""
    await connection.execute(query("customer_register"), user_id, username, display_name, time)


async def rename(connection: asyncpg.Connection, user_id: str, display_name: str) -> None:
    """Follow a change of name."""
    await connection.execute(query("customer_rename"), user_id, display_name)
