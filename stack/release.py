"""Adding a release: the events to the corpus, and the API in place of the one before it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.schemas.problem import Problem


def add_release(folder: Path) -> "tuple[list[Problem], list[Path]]":
    """Write what changed since the last release, or nothing where a gate says no."""
    from bridge.schemas.api import ReleasedApi
    from bridge.schemas.gate import gate_problems
    from stack.released_api import broken, today
    from stack.steps import catalog

    api = ReleasedApi(folder)
    found = list(gate_problems(catalog(), folder))
    if api.files() is not None:
        found += broken(folder)
    if found:
        return found, []
    written = (_events(folder), api.renew(today()))
    return [], [path for path in written if path is not None]


def _events(folder: Path) -> Path | None:
    """The next file of the corpus; None where no event changed."""
    from bridge.schemas.corpus import Corpus
    from bridge.schemas.release import release_of
    from stack.steps import catalog

    corpus = Corpus(folder)
    earlier = corpus.releases()
    release = release_of(len(earlier) + 1, catalog(), earlier)
    if earlier and earlier[-1].surface == release.surface:
        return None
    return corpus.add(release)
