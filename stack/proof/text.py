"""The proof for a person and for a program."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.proof.run import Progress
from stack.proof.live import Outcome
from stack.proof.static import Verdict

EVERY = 3.0
"""Seconds between two lines of progress."""


def progress_lines(say: Callable[[str], None]) -> Progress:
    """Tell how far the matrix is, now and then."""
    told = 0.0

    def progress(done: int, cells: int, differing: int) -> None:
        nonlocal told
        told = told or time.monotonic()
        if time.monotonic() - told >= EVERY and done < cells:
            told = time.monotonic()
            say(f"  {done:,} of {cells:,} cells, {differing} differ")

    return progress


def static_lines(verdict: Verdict) -> Iterator[str]:
    """One line that sums up, and one for each finding."""
    if not verdict.findings:
        yield f"static: {verdict.source}: as the protos say"
        return
    yield f"static: {verdict.source}: {len(verdict.findings)} differences from the protos"
    yield from (f"  {finding}" for finding in verdict.findings)


def live_lines(outcome: Outcome) -> Iterator[str]:
    """One line for each difference, then the sum."""
    yield from (f"  {one}" for one in outcome.differences)
    yield from (f"  the proof changed something: {one}" for one in outcome.changed)
    yield from (f"  can't be proven without doing it: {one}" for one in outcome.skipped)
    told = f"{outcome.cells:,} cells in {outcome.seconds:.1f} s"
    if outcome.differences:
        yield f"live: {len(outcome.differences)} of {told} differ"
    else:
        yield f"live: {told}, all as the protos say"
    if not outcome.changed:
        yield "live: nothing was changed by it" + _others(outcome.others)


def as_json(verdicts: Sequence[Verdict], outcome: Outcome | None) -> dict[str, Any]:
    """Everything, for a program."""
    return {
        "proven": proven(verdicts, outcome),
        "static": [
            {"source": one.source, "findings": [_fields(f) for f in one.findings]}
            for one in verdicts
        ],
        "live": None
        if outcome is None
        else {
            "cells": outcome.cells,
            "seconds": round(outcome.seconds, 1),
            "differences": [_fields(one) for one in outcome.differences],
            "changed": list(outcome.changed),
            "skipped": list(outcome.skipped),
        },
    }


def proven(verdicts: Sequence[Verdict], outcome: Outcome | None) -> bool:
    """Whether nothing at all differs."""
    static = not any(verdict.findings for verdict in verdicts)
    if outcome is None:
        return static
    return static and not (outcome.differences or outcome.changed or outcome.skipped)


def _others(count: int) -> str:
    return f"; {count} events of other calls came meanwhile" if count else ""


def _fields(one: Any) -> dict[str, str]:
    return {name: getattr(one, name) for name in one.__slots__}
