"""`python -m benchmarks.bridge`: every figure of the bridge beside its peer, in one table."""

import argparse
import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import uvloop

from benchmarks.acknowledge import acknowledge
from benchmarks.append import append_alone, append_together
from benchmarks.codec import encode
from benchmarks.consume import handle, park
from benchmarks.full import full_store
from benchmarks.harness import Row
from benchmarks.parts import Bench, running
from benchmarks.relay import drain
from benchmarks.replay import rebuild
from benchmarks.snapshot import long_stream
from benchmarks.table import lines, records

Measurement = Callable[[Bench], Awaitable[Sequence[Row]]]

MEASUREMENTS: Mapping[str, Measurement] = {
    "append": append_alone,
    "group": append_together,
    "snapshot": long_stream,
    "drain": drain,
    "acknowledge": acknowledge,
    "handle": handle,
    "park": park,
    "encode": encode,
    "rebuild": rebuild,
    "full": full_store,
}


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 with --strict where a target is missed, 2 for wrong usage."""
    chosen = _parser().parse_args(arguments)
    # What libraries log is no part of the table.
    logging.getLogger().addHandler(logging.NullHandler())
    names = chosen.only or list(MEASUREMENTS)
    # As every process of the platform does (bridge.server.process); the peers have it too.
    gc.freeze()
    with running(_say) as bench, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = [row for name in names for row in runner.run(_measured(name, bench))]
    print(json.dumps(records(rows), indent=1) if chosen.json else "\n".join(lines(rows)))
    return int(chosen.strict and not all(row.held for row in rows))


async def _measured(name: str, bench: Bench) -> Sequence[Row]:
    bench.say(f"{name}: begins")
    began = time.monotonic()
    rows = await MEASUREMENTS[name](bench)
    bench.say(f"{name}: {time.monotonic() - began:.0f} s")
    return rows


def _say(text: str) -> None:
    """Progress goes beside the table, which may be read by a program."""
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bridge",
        description=__doc__,
        epilog="Example: make bench ARGS='--only append --json'",
    )
    only = "one measurement; may be repeated. There are: " + ", ".join(MEASUREMENTS)
    parser.add_argument(
        "--only", action="append", choices=list(MEASUREMENTS), metavar="NAME", help=only
    )
    parser.add_argument("--json", action="store_true", help="for a program to read")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a target is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
