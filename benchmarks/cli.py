"""The command line of the benchmarks: which measurements, and the table of what they found."""

import argparse
import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import uvloop

from benchmarks.harness import Row, Say
from benchmarks.table import lines, records


@dataclass(frozen=True, slots=True)
class Suite:
    """Measurements that are taken on the same parts, which `running` starts and ends."""

    running: Callable[[Say], AbstractContextManager[Any]]
    measurements: Mapping[str, Callable[[Any], Awaitable[Sequence[Row]]]]


def main(program: str, about: str, suites: Sequence[Suite], arguments: Sequence[str]) -> int:
    """Measure and print; 1 with --strict where a target is missed, 2 for wrong usage."""
    names = [name for suite in suites for name in suite.measurements]
    chosen = _parser(program, about, names).parse_args(arguments)
    # What libraries log is no part of the table.
    logging.getLogger().addHandler(logging.NullHandler())
    # As every process of the platform does (bridge.server.process); the peers have it too.
    gc.freeze()
    rows = [row for suite in suites for row in _rows(suite, chosen.only or names)]
    print(json.dumps(records(rows), indent=1) if chosen.json else "\n".join(lines(rows)))
    return int(chosen.strict and not all(row.held for row in rows))


def _rows(suite: Suite, names: Sequence[str]) -> list[Row]:
    """Take those of the measurements that are this suite's; its parts are left alone for none."""
    chosen = [name for name in names if name in suite.measurements]
    if not chosen:
        return []
    loop = uvloop.new_event_loop
    with suite.running(_say) as bench, asyncio.Runner(loop_factory=loop) as runner:
        return [row for name in chosen for row in runner.run(_measured(suite, name, bench))]


async def _measured(suite: Suite, name: str, bench: object) -> Sequence[Row]:
    _say(f"{name}: begins")
    began = time.monotonic()
    rows = await suite.measurements[name](bench)
    _say(f"{name}: {time.monotonic() - began:.0f} s")
    return rows


def _say(text: str) -> None:
    """Progress goes beside the table, which may be read by a program."""
    print(text, file=sys.stderr, flush=True)


def _parser(program: str, about: str, names: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {program}",
        description=about,
        epilog=f"Example: python -m {program} --only {names[0]} --json",
    )
    only = "one measurement; may be repeated. There are: " + ", ".join(names)
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=only)
    parser.add_argument("--json", action="store_true", help="for a program to read")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a target is missed")
    return parser
