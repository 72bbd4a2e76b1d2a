"""`make test`: the suite in rounds, each with as many processes as it bears.

What needs no platform runs before there is one. Then comes what needs its parts and has databases
and topics of its own in them, side by side, and last what looks at the whole or takes parts of it
away. Options are pytest's and go to every round; with paths among them there is one round, of
these.

Example: python -m tests -m "not long" -k stream
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import platform
from tests.conftest import SETTINGS, real_parts

UNITS = ("tests/unit/", "tests/gateway/", "tests/contract/")
EDGES = ("tests/integration/edge/", "tests/integration/proof/", "tests/security/")
PARTS = ("tests/integration/",)
ON_THE_PLATFORM = ("tests/security/test_direct.py", "tests/integration/stack/")
"""Within EDGES and PARTS, and need the whole platform all the same."""
FIRST_ON_THE_PLATFORM = "parts"
WORKERS = {"units": 4, "edges": 4, "parts": 2, "platform": 0}
PASSED, FAILED, NOTHING_CHOSEN = 0, 1, 5
"""Exit codes of pytest."""


def rounds() -> dict[str, list[str]]:
    """Every file of tests, in the one round that it belongs to."""
    found: dict[str, list[str]] = {name: [] for name in WORKERS}
    for path in sorted(Path("tests").rglob("test_*.py")):
        found[_round_of(path.as_posix())].append(path.as_posix())
    return found


def _round_of(path: str) -> str:
    if path.startswith(ON_THE_PLATFORM):
        return "platform"
    beginnings = {"units": UNITS, "edges": EDGES, "parts": PARTS}
    return next((name for name, some in beginnings.items() if path.startswith(some)), "platform")


def run(arguments: tuple[str, ...]) -> int:
    """Run pytest and give its exit code; it is told to end where this process is."""
    told: list[int] = []
    # Before pytest begins: a signal that the shell of a job in the background has had ignored would
    # be ignored by pytest too.
    before = {
        one: signal.signal(one, lambda number, _frame: told.append(number))
        for one in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        process = subprocess.Popen([sys.executable, "-m", "pytest", *arguments])  # noqa: S603
        while True:
            try:
                return process.wait(0.2)
            except subprocess.TimeoutExpired:
                # A terminal's Ctrl-C has reached pytest too: it stops its platform on the first.
                if signal.SIGTERM in told:
                    told.clear()
                    process.send_signal(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(options: list[str]) -> int:
    """Run all rounds, also after one that failed; give pytest's exit code for all together."""
    if any(option.startswith("tests") for option in options):
        return run(("--dist", "loadfile", *options))
    codes = []
    with ExitStack() as stack:
        for name, files in rounds().items():
            print(f"round: {name}", flush=True)
            if name == FIRST_ON_THE_PLATFORM:
                stack.enter_context(_platform())
            workers = ("-n", str(WORKERS[name]), "--dist", "loadfile")
            codes.append(code := run((*workers, *options, *files)))
            if code not in (PASSED, FAILED, NOTHING_CHOSEN):
                return code
    if FAILED in codes:
        return FAILED
    return NOTHING_CHOSEN if set(codes) == {NOTHING_CHOSEN} else PASSED


@contextmanager
def _platform() -> Iterator[None]:
    """What tests find in the environment is taken as it is: each process would start its own."""
    with platform.running(SETTINGS) as running:
        os.environ.update(real_parts(running))
        yield


if __name__ == "__main__":
    # Else the platform would outlive a run that is ended while it starts.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
