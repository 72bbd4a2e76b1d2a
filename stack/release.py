"""Adding a release of the events to the corpus."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.schemas.problem import Problem


def add_release(folder: Path) -> "tuple[list[Problem], Path | None]":
    """Write the next file of the corpus; None where nothing changed, or where the gate says no."""
    from bridge.schemas.corpus import Corpus
    from bridge.schemas.gate import gate_problems
    from bridge.schemas.release import release_of
    from stack.steps import catalog

    found = list(gate_problems(catalog(), folder))
    if found:
        return found, None
    corpus = Corpus(folder)
    earlier = corpus.releases()
    release = release_of(len(earlier) + 1, catalog(), earlier)
    if earlier and earlier[-1].surface == release.surface:
        return [], None
    return [], corpus.add(release)
