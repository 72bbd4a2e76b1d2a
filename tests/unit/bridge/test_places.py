import asyncio

import pytest

from bridge.effects.places import Places


async def test_a_place_is_free_again_when_what_took_it_has_ended_and_whoever_waits_is_told() -> (
    None
):
    ended, go = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()

    async with Places(2, ended) as places:
        places.take(work())
        assert places.free() == 1
        assert not ended.is_set()
        go.set()
        await ended.wait()
        assert places.free() == 2


async def test_an_error_comes_out_where_the_next_one_would_begin() -> None:
    ended = asyncio.Event()

    async def fail() -> None:
        raise ConnectionError("gone")

    async with Places(2, ended) as places:
        places.take(fail())
        places.take(fail())
        await asyncio.sleep(0)
        await ended.wait()
        with pytest.raises(ConnectionError):
            places.free()
        assert places.free() == 2


async def test_who_leaves_waits_for_what_was_begun() -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    async with Places(2, asyncio.Event()) as places:
        places.take(work())
    assert done == [1]


async def test_who_is_cancelled_cancels_what_was_begun() -> None:
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def run() -> None:
        async with Places(1, asyncio.Event()) as places:
            places.take(hang())
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
