"""The table of preferences, on a real PostgreSQL."""

import uuid

import asyncpg
import pytest

from services.notifications import preference_table
from services.notifications.preference_table import Preference


async def test_who_never_said_is_told_by_mail_and_by_no_webhook(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        assert await preference_table.find(connection, str(uuid.uuid4())) == Preference()


async def test_a_preference_is_read_as_it_was_last_written(pool: asyncpg.Pool) -> None:
    ann = str(uuid.uuid4())
    later = Preference(True, "https://ann.example/hook", "s3cret", 2)
    async with pool.acquire() as connection:
        for preference in (Preference(version=1), later):
            await preference_table.save(connection, ann, preference)
            assert await preference_table.find(connection, ann) == preference


async def test_no_webhook_is_kept_without_a_secret(pool: asyncpg.Pool) -> None:
    bare = Preference(webhook_uri="https://ann.example/hook", version=1)
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="preferences_signed"):
            await preference_table.save(connection, str(uuid.uuid4()), bare)


def test_a_preference_that_is_printed_shows_no_secret() -> None:
    assert "s3cret" not in repr(Preference(False, "https://ann.example/hook", "s3cret", 1))
