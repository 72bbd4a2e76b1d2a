"""One timer for many calls: each has its own time."""

import asyncio

import pytest

from bridge.watchdog import Watchdog


async def watched(dog: Watchdog, seconds: float) -> bool:
    """Whether the dog cut this sleep."""
    watch = dog.begin()
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if dog.cut(watch):
            return True
        raise
    finally:
        dog.end(watch)
    return False


async def test_each_call_is_cut_when_its_own_time_is_up() -> None:
    dog, loop = Watchdog(0.2), asyncio.get_running_loop()

    async def life() -> float:
        began = loop.time()
        assert await watched(dog, 60)
        return loop.time() - began

    first = asyncio.create_task(life())
    await asyncio.sleep(0.1)
    second = asyncio.create_task(life())
    assert min(await first, await second) >= 0.2


async def test_calls_that_end_in_time_are_left_alone_and_those_after_them_watched() -> None:
    dog = Watchdog(1)
    assert not await watched(dog, 0)
    await asyncio.sleep(1.1)
    assert not await watched(dog, 0)
    assert await watched(dog, 60)


async def test_a_call_that_somebody_else_cancels_was_not_too_late() -> None:
    task = asyncio.create_task(watched(Watchdog(60), 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_ends_in_the_moment_of_the_cut_is_not_left_cancelled() -> None:
    dog = Watchdog(0.0)
    watch = dog.begin()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(60)
    dog.end(watch)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
