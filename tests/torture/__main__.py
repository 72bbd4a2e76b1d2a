"""`python -m tests.torture PLAN --seed N`: one run on parts of its own, to repeat what failed."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from tests.torture import place
from tests.torture.plans import PLANS
from tests.torture.planted import PLANTED
from tests.torture.run import play


def main() -> int:
    """Exit code 0: every promise was kept; 1: one was not."""
    given = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells every broker that we kill
    with place.started() as parts:
        seeds = range(given.seed, given.seed + given.runs)
        failed = [seed for seed in seeds if not asyncio.run(_kept(parts, given, seed))]
    return int(bool(failed))


async def _kept(parts: place.Place, given: argparse.Namespace, seed: int) -> bool:
    """Play one seed; what the actors wrote stays where the promises were broken."""
    directory = Path(tempfile.mkdtemp(prefix=f"torture-{given.plan}-{seed}-"))
    outcome = await play(parts, given.plan, seed, directory, bug=given.bug, seconds=given.seconds)
    print(outcome, flush=True)
    kept = not outcome.violations and not outcome.findings
    if not kept:
        print(f"  histories and logs: {directory}", flush=True)
    else:
        shutil.rmtree(directory)
    return kept


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture",
        description="Play one torture run and say which promises were broken.",
        epilog="Example: python -m tests.torture acks-one --seed 7 --bug acks-one",
    )
    parser.add_argument("plan", choices=sorted(PLANS))
    parser.add_argument("--seed", type=int, default=1, help="of the first run (1)")
    parser.add_argument("--runs", type=int, default=1, help="seeds to play, one after the other")
    parser.add_argument("--bug", choices=sorted(PLANTED), default="", help="a planted bug")
    parser.add_argument("--seconds", type=float, default=4.0, help="of writing (4)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
