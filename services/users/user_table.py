"""The read model of users and of the claims on their credit: the state at the stream's version."""

from collections.abc import Sequence

import asyncpg

from services.users.aggregate import Answer, Claim, User
from services.users.sql import query


async def save(connection: asyncpg.Connection, user: User) -> None:
    """Show the user as it is now."""
    await connection.execute(
        query("user_save"),
        user.id,
        user.username,
        user.display_name,
        user.email,
        user.credit_limit,
        user.reserved,
        user.active,
        user.version,
        user.create_time,
        user.update_time,
    )


async def find(connection: asyncpg.Connection, user_id: str) -> User | None:
    """The user, or None."""
    row = await connection.fetchrow(query("user_get"), user_id)
    return None if row is None else _user(row)


async def taken(connection: asyncpg.Connection, username: str, email: str) -> str | None:
    """Which of the two a user has already, "username" or "email"; None: both are free."""
    field: str | None = await connection.fetchval(query("user_taken"), username, email)
    return field


async def email_taken(connection: asyncpg.Connection, email: str, user_id: str) -> bool:
    """Whether a user other than `user_id` has the address."""
    return bool(await connection.fetchval(query("email_taken"), email, user_id))


async def page(
    connection: asyncpg.Connection, prefix: str, after: str, limit: int
) -> Sequence[User]:
    """At most `limit` users that match `prefix`, after the username `after`."""
    rows = await connection.fetch(query("users_page"), prefix, after, limit)
    return [_user(row) for row in rows]


async def find_claim(connection: asyncpg.Connection, user_id: str, order: str) -> Claim | None:
    """The answer to `orders/{id}`, or None."""
    row = await connection.fetchrow(query("claim_get"), user_id, order)
    return None if row is None else Claim(Answer(row["answer"]), row["amount"])


async def save_claim(
    connection: asyncpg.Connection, user_id: str, order: str, claim: Claim
) -> None:
    """Keep the answer to `orders/{id}`."""
    await connection.execute(query("claim_save"), user_id, order, claim.answer.value, claim.amount)


def _user(row: asyncpg.Record) -> User:
    return User(
        id=row["id"],
        username=row["username"],
        display_name=row["display_name"],
        email=row["email"],
        credit_limit=row["credit_limit"],
        version=row["version"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        active=row["active"],
        reserved=row["reserved"],
    )
