"""Only what a training run finished becomes a component's ahead-of-time cache."""

import logging
import os
import sys
import time
from pathlib import Path

import pytest

from stack import java as module
from stack.java import AotCache
from tests.unit.stack.platforms import when_exists

HALF = "import pathlib, signal, sys, time; pathlib.Path(sys.argv[1]).write_text('half'); "
OBEYS = "signal.signal(signal.SIGTERM, lambda *_: sys.exit({code})); "
SAYS = "pathlib.Path(sys.argv[2]).touch(); time.sleep(60)"


@pytest.fixture
def cache(tmp_path: Path) -> AotCache:
    return AotCache(tmp_path, "thing", ())


async def train(cache: AotCache, directory: Path, code: str) -> None:
    """A training run of a line of Python; it is ready when it has made a file."""
    mark = directory / "ready"

    def command(flags: tuple[str, ...]) -> tuple[str, ...]:
        [flag] = flags
        return (sys.executable, "-c", code, flag.partition("=")[2], str(mark))

    await cache.train(command, when_exists(mark))


def left(directory: Path) -> list[str]:
    return [file.name for file in (directory / "aot").iterdir() if file.suffix != ".lock"]


@pytest.mark.parametrize("code", [0, 143])
async def test_a_run_that_ends_well_makes_the_cache(
    cache: AotCache, tmp_path: Path, code: int
) -> None:
    await train(cache, tmp_path, HALF + OBEYS.format(code=code) + SAYS)
    assert cache.present()


async def test_a_run_that_fails_while_it_writes_leaves_no_cache(
    cache: AotCache, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await train(cache, tmp_path, HALF + OBEYS.format(code=1) + SAYS)
    assert left(tmp_path) == []
    assert caplog.messages == ["thing starts without a cache: its training ended with 1"]


@pytest.mark.parametrize("code", [0, 3])
async def test_a_run_that_ends_before_it_is_ready_leaves_no_cache(
    cache: AotCache, tmp_path: Path, code: int
) -> None:
    await train(cache, tmp_path, HALF + f"sys.exit({code})")
    assert left(tmp_path) == []


async def test_a_run_that_is_cut_leaves_no_cache(
    cache: AotCache,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TRAINING_LIMIT", 1.0)
    caplog.set_level(logging.WARNING)
    await train(cache, tmp_path, HALF + "time.sleep(60)")
    [mark] = left(tmp_path)
    assert caplog.messages == [
        "thing starts without a cache: its training took too long "
        f"(rm {tmp_path / 'aot' / mark} to try again)"
    ]


async def test_a_training_that_took_too_long_is_tried_again_only_after_a_day(
    cache: AotCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRAINING_LIMIT", 0.3)
    await train(cache, tmp_path, "import time; time.sleep(60)")
    monkeypatch.undo()
    works = HALF + OBEYS.format(code=0) + SAYS
    await train(cache, tmp_path, works)
    assert not cache.present()
    [mark] = left(tmp_path)
    a_day_ago = time.time() - module.TRIED_AGAIN - 1
    os.utime(tmp_path / "aot" / mark, (a_day_ago, a_day_ago))
    await train(cache, tmp_path, works)
    assert cache.present()
