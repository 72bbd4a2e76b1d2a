"""`make test`: the suite in rounds, each with as many processes as it bears.

First come the units; then what needs no platform runs beside what does, two rounds at a time.
Options are pytest's and go to every round; with paths among them there is one round, of these.

Example: python -m tests -m "not long" -k stream
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event, Thread

from tests import platform
from tests.conftest import SETTINGS, real_parts
from tests.rounds import ALONE, EVERY, FIRST, ON_THE_PLATFORM, Round, files
from tests.running import Ended, noting, run

PASSED, FAILED, INTERRUPTED, NOTHING_CHOSEN = 0, 1, 2, 5
"""Exit codes of pytest."""


def main(options: list[str], stop: Event) -> int:
    """Run all rounds, also after one that failed; give pytest's exit code for all together."""
    if any(option.startswith("tests") for option in options):
        with noting(stop):
            return run(("--dist", "loadfile", *options), stop).code
    ended: list[Ended] = []
    try:
        with noting(stop):
            _play(FIRST, options, stop, ended)
        if not stop.is_set():
            _play_two(options, stop, ended)
    finally:
        # Once more at the end: a round's own words may be thousands of lines before.
        for one in ended:
            print(*one.failures, sep="", end="", flush=True)
    return _together([one.code for one in ended], stop)


def _play_two(options: Sequence[str], stop: Event, ended: list[Ended]) -> None:
    """Run what needs no platform beside what does."""
    with _beside(ALONE, options, stop, ended) as beside, ExitStack() as started:
        environment = started.enter_context(_platform())
        with noting(stop):
            _play(ON_THE_PLATFORM, options, stop, ended, environment)
            started.close()
            beside.join()


def _play(
    rounds: Sequence[Round],
    options: Sequence[str],
    stop: Event,
    ended: list[Ended],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run them one after the other; a round that could not run stops all that run."""
    for one in rounds:
        if stop.is_set():
            return
        print(f"round: {one.name}", flush=True)
        workers = ("-n", str(one.workers), "--dist", "loadfile")
        # Two rounds at once would write over each other's.
        cache = ("-o", f"cache_dir=.pytest_cache/{one.name}")
        arguments = (*workers, *cache, *options, *files()[one.name])
        # The other lane's may be the last of the list.
        ended.append(last := run(arguments, stop, one.name, environment))
        if last.code not in (PASSED, FAILED, NOTHING_CHOSEN):
            stop.set()


@contextmanager
def _beside(
    rounds: Sequence[Round], options: Sequence[str], stop: Event, ended: list[Ended]
) -> Iterator[Thread]:
    """Run them while the block does; when it is left early they are stopped."""
    thread = Thread(target=_play, args=(rounds, options, stop, ended))
    thread.start()
    try:
        yield thread
    except BaseException:
        stop.set()
        raise
    finally:
        thread.join()


@contextmanager
def _platform() -> Iterator[Mapping[str, str]]:
    """What tests find in the environment is taken as it is: each process would start its own."""
    with platform.running(SETTINGS) as running:
        yield {**os.environ, **real_parts(running)}


def _together(codes: Sequence[int], stop: Event) -> int:
    """The code of the first round that could not run; else of the worst."""
    whole = len(codes) == len(EVERY)
    unable = [code for code in codes if code not in (PASSED, FAILED, NOTHING_CHOSEN)]
    if unable or stop.is_set() or not whole:
        return next(iter(unable), INTERRUPTED)
    if FAILED in codes:
        return FAILED
    return NOTHING_CHOSEN if set(codes) == {NOTHING_CHOSEN} else PASSED


def _leave(stop: Event, number: int, _frame: object) -> None:
    """End, once: what is stopped on the way out is stopped in peace."""
    stop.set()
    for one in (signal.SIGINT, signal.SIGTERM):
        # Not SIG_IGN, which a child would inherit.
        signal.signal(one, lambda _number, _frame: None)
    sys.exit(128 + number)


if __name__ == "__main__":
    # Else the platform would outlive a run that is ended while it starts.
    told = Event()
    signal.signal(signal.SIGTERM, partial(_leave, told))
    signal.signal(signal.SIGINT, partial(_leave, told))
    sys.exit(main(sys.argv[1:], told))
