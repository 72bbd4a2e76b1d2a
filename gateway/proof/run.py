"""Runs cells over a few connections at once and keeps those that came out otherwise."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from gateway.proof.cells import Cell
from gateway.proof.expected import described
from gateway.proof.owners import Pair
from gateway.proof.requests import Wire
from gateway.proof.wire import Door, Got

AT_ONCE = 16
"""Calls under way. More do not help on two cores, and stay far below every limit of the edge."""
TRIES = 12
EXHAUSTED = "RESOURCE_EXHAUSTED"
BUSY = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "UNKNOWN")
"""No verdict on anybody: a machine that is busy. Asked again, as long as that is seldom."""
SPARE = 50
"""Calls of a run that may be asked again for that; more, and the platform is not well."""

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """A cell that did not show what it must."""

    method: str
    protocol: str
    caller: str
    expected: str
    got: str

    def __str__(self) -> str:
        return (
            f"{self.method}, {self.protocol}, {self.caller}: "
            f"expected {self.expected}; got {self.got}"
        )


class Runner:
    """`doors`: "edge" and each area → where it is. `progress(done, of, differing)` is told."""

    def __init__(self, doors: Mapping[str, Door], headers: Sequence[tuple[str, str]]) -> None:
        self._doors = doors
        self._headers = tuple(headers)
        self._spare = SPARE

    def run(self, cells: Sequence[Cell], progress: Progress) -> list[Difference]:
        """Every cell once, in an order that spreads the calls of one method over the run."""
        order = list(cells)
        random.Random(len(order)).shuffle(order)  # noqa: S311 (no secret; the same at every run)
        found: list[Difference] = []
        done, lock = 0, threading.Lock()

        def one(cell: Cell) -> None:
            nonlocal done
            difference = compare(cell, self.send(cell))
            with lock:
                done += 1
                if difference:
                    found.append(difference)
                progress(done, len(order), len(found))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(one, order):
                pass
        return sorted(found)

    def run_pairs(self, pairs: Sequence[Pair]) -> list[Difference]:
        """Every owner's cell, and every stranger's beside its twin."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(self._pair, pairs)
        return sorted(one for one in found if one)

    def _pair(self, pair: Pair) -> Difference | None:
        got = self.send(pair.cell)
        difference = compare(pair.cell, got)
        if difference or pair.twin is None:
            return difference
        here, there = pair.names
        other = self.send(pair.twin)
        same = other.text.replace(there, here) == got.text
        if other.verdict == got.verdict and same:
            return None
        told = f"{other.verdict} ({other.text})"
        return replace(_difference(pair.cell, got), expected=f"what a missing one gets: {told}")

    def send(self, cell: Cell) -> Got:
        """The answer; a method with a bucket is asked again when the bucket has filled."""
        wire = with_query(cell)
        headers = (*cell.caller.headers, *self._headers)
        for _ in range(TRIES):
            got = self._doors[cell.target].send(wire, headers)
            pause = self._pause(cell, got)
            if not pause:
                break
            time.sleep(pause)
        return got

    def _pause(self, cell: Cell, got: Got) -> float:
        """Seconds until the same call may get another answer; 0: this is the answer."""
        if got.verdict.code == EXHAUSTED:
            return cell.interval
        if got.verdict.code in BUSY and self._spare > 0:
            self._spare -= 1
            return 0.5
        return 0.0


def with_query(cell: Cell) -> Wire:
    """The request with what the caller puts into the query."""
    if not cell.caller.query:
        return cell.wire
    mark = "&" if "?" in cell.wire.path else "?"
    return replace(cell.wire, path=f"{cell.wire.path}{mark}{cell.caller.query}")


def compare(cell: Cell, got: Got) -> Difference | None:
    """What differs, for a person; None where nothing does."""
    if got.verdict in cell.expected:
        return None
    return _difference(cell, got)


def _difference(cell: Cell, got: Got) -> Difference:
    said = f" ({got.text[:120]})" if got.text else ""
    return Difference(
        cell.method,
        cell.protocol,
        cell.caller.name,
        described(cell.expected),
        f"{got.verdict}{said}",
    )
