"""How many examples, and from which seed."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings

SHORT = 12
LONG = 200
SEED = os.environ.get("CAUSEWAY_FUZZ_SEED", "")
"""A number explores other examples than those that every run repeats; a failure repeats with it."""


def examples(count: int) -> Callable[[Any], Any]:
    """Run a test on so many examples: the same ones at every run, on every machine."""
    chosen = settings(
        max_examples=count,
        derandomize=not SEED,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.normal,
    )
    return lambda test: chosen(seed(int(SEED))(test)) if SEED else chosen(test)
