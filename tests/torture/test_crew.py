"""Whatever ends a run, none of its processes is left."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bridge.kafka.settings import KafkaSettings
from tests.integration.bridge.parts import until
from tests.platform import ROOT
from tests.torture.crew import PROGRAM, assembled
from tests.torture.orders import Orders

NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/nothing"


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    """A relay that finds no database, and so tries again and again."""
    kafka = KafkaSettings("127.0.0.1:1")
    return Orders("relay", "relay-0", 1, NOWHERE, kafka, "t", tmp_path, options={"slow": 0.0})


async def _children(of: int, count: int = 1) -> list[psutil.Process]:
    """The actors of a parent, once there are so many and all are at work."""

    def at_work() -> bool:
        found = _actors(of)
        return len(found) >= count and all(map(_is_at_work, found))

    await until(at_work)
    return _actors(of)


def _actors(of: int) -> list[psutil.Process]:
    """Those alone: a session's process has other children, of other tests."""
    found = []
    for child in psutil.Process(of).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.cmdline()[: len(PROGRAM)] == list(PROGRAM):
                found.append(child)
    return found


def _is_at_work(process: psutil.Process) -> bool:
    """Whether it has been told what to do: it watches its parent in a thread of its own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.num_threads() > 1)
    return False


async def _all_end(processes: list[psutil.Process]) -> None:
    await until(lambda: not any(map(_runs, processes)), 10)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


async def test_a_run_that_fails_leaves_no_process(orders: Orders) -> None:
    processes: list[psutil.Process] = []

    async def play() -> None:
        async with assembled() as crew:
            crew.add(orders)
            crew.add(orders)
            processes.extend(await _children(os.getpid(), 2))
            raise RuntimeError("the run failed")

    with pytest.raises(ExceptionGroup):
        await play()
    assert len(processes) == 2
    await _all_end(processes)


async def test_a_cancelled_run_leaves_no_process(orders: Orders) -> None:
    async def play() -> None:
        async with assembled() as crew:
            crew.add(orders)
            await asyncio.sleep(3600)

    run = asyncio.create_task(play())
    processes = await _children(os.getpid())
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await _all_end(processes)


async def test_an_actor_ends_with_a_parent_that_was_killed(orders: Orders) -> None:
    """The parent tells it its orders and is killed: nobody is left to stop the actor."""
    telling = (
        "import subprocess, sys, time\n"
        "actor = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)\n"
        "actor.stdin.write(sys.argv[1].encode()); actor.stdin.flush()\n"
        "time.sleep(3600)\n"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", telling, orders.line().decode(), *PROGRAM), cwd=ROOT
    )
    try:
        actors = await _children(parent.pid)
    finally:
        parent.kill()
        await parent.wait()
    await _all_end(actors)


async def test_who_is_killed_is_replaced_until_told_to_stop(orders: Orders) -> None:
    async with assembled() as crew:
        actor = crew.add(orders)
        [first] = await _children(os.getpid())
        actor.send(signal.SIGKILL)
        await until(lambda: actor.orders.life == 2)
        [second] = await _children(os.getpid())
        assert second.pid != first.pid
    assert not second.is_running()


async def test_an_actor_that_fails_by_itself_fails_the_run(orders: Orders) -> None:
    async def play() -> None:
        async with assembled() as crew:
            crew.add(replace(orders, role="nobody", name="x"))
            await asyncio.sleep(3600)

    with pytest.raises(ExceptionGroup) as failed:
        await play()
    [error] = failed.value.exceptions
    assert "x ended with 1" in str(error)
