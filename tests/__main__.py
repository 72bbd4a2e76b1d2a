"""`make test`: the suite in three rounds, each with as many processes as it bears.

The platform takes both cores of a small machine and most of its inotify instances, so what needs
none of it runs before: alone, and side by side. Options are pytest's and go to every round; with
paths among them there is one round, of these.

Example: python -m tests -m "not long" -k stream
"""

import signal
import subprocess
import sys
from pathlib import Path

UNITS = ("tests/unit/", "tests/gateway/", "tests/contract/")
EDGES = ("tests/integration/edge/", "tests/integration/proof/", "tests/security/")
ON_THE_PLATFORM = ("tests/security/test_direct.py",)
"""Files within EDGES that need it all the same."""
# Each worker of "edges" has up to three at once, of 20 inotify instances each; Linux gives 128.
WORKERS = {"units": 4, "edges": 2, "platform": 0}
PASSED, FAILED, NOTHING_CHOSEN = 0, 1, 5
"""Exit codes of pytest."""


def rounds() -> dict[str, list[str]]:
    """Every file of tests, in the one round that it belongs to."""
    found: dict[str, list[str]] = {name: [] for name in WORKERS}
    for path in sorted(Path("tests").rglob("test_*.py")):
        found[_round_of(path.as_posix())].append(path.as_posix())
    return found


def _round_of(path: str) -> str:
    if path.startswith(UNITS):
        return "units"
    return "edges" if path.startswith(EDGES) and path not in ON_THE_PLATFORM else "platform"


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
    chosen = any(option.startswith("tests") for option in options)
    codes = set()
    for name, files in {"chosen": []}.items() if chosen else rounds().items():
        print(f"round: {name}", flush=True)
        workers = ("-n", str(WORKERS.get(name, 0)), "--dist", "loadfile")
        codes.add(code := run((*workers, *options, *files)))
        if code not in (PASSED, FAILED, NOTHING_CHOSEN):
            return code
    if FAILED in codes:
        return FAILED
    return NOTHING_CHOSEN if codes == {NOTHING_CHOSEN} else PASSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
