"""Questions to components that do not answer as they should."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator

import pytest

from stack.asking import complaint
from stack.component import Component
from stack.components.services import _serving


def asked(ready: Callable[[], Awaitable[None]]) -> Component:
    return Component(name="one", command=("true",), ready=ready)


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(10)
        yield listener.getsockname()[1]


async def test_a_mute_service_is_a_complaint_and_no_end_of_the_asking_task(mute: int) -> None:
    assert await complaint(asked(lambda: _serving(mute)), 0.5) == "no answer within 0.5 s"
    assert await complaint(asked(lambda: _serving(mute)), 5.0) != ""


async def test_a_cancellation_of_the_librarys_own_making_is_a_complaint() -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    assert await complaint(asked(cancelled), 1.0) == "the question was cut short"


async def test_a_component_that_is_ready_has_no_complaint() -> None:
    async def ready() -> None:
        return None

    assert await complaint(asked(ready), 1.0) == ""


async def test_who_is_cancelled_while_asking_is_cancelled(mute: int) -> None:
    asking = asyncio.create_task(complaint(asked(lambda: _serving(mute)), 10.0))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
