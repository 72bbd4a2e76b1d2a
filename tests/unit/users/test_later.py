"""Keycloak's client is made when it is needed."""

from unittest.mock import AsyncMock

from services.users.later import Closable, Later


async def test_it_is_made_at_the_first_question_and_once() -> None:
    made: list[AsyncMock] = []

    def make() -> Closable:
        made.append(AsyncMock(spec=Closable))
        return made[-1]

    later = Later(make)
    assert made == []
    await later.delete("one")
    await later.delete("two")
    await later.close()
    assert len(made) == 1
    assert made[0].delete.await_count == 2
    made[0].close.assert_awaited_once()


async def test_closing_makes_nothing() -> None:
    def make() -> Closable:
        raise AssertionError

    await Later(make).close()
