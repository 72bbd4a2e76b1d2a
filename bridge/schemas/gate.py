"""The gate: all that is asked before a change of the events may be merged."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.events.catalog import Catalog
from bridge.schemas.buf import buf_problems
from bridge.schemas.corpus import Corpus
from bridge.schemas.events import event_problems, upcaster_problems
from bridge.schemas.fields import field_problems
from bridge.schemas.index import index_of
from bridge.schemas.messages import message_problems
from bridge.schemas.problem import Problem
from bridge.schemas.release import Release
from bridge.schemas.stored import stored_problems
from bridge.schemas.surface import Surface, surface_of


def gate_problems(catalog: Catalog, folder: Path) -> tuple[Problem, ...]:
    """Ask everything that needs no registry; empty: the change is compatible.

    `folder` is the corpus. Before its first release only the upcasters can be judged.
    """
    corpus = Corpus(folder)
    found = [*corpus.problems()]
    if not found:
        # A file that was tampered with says nothing about what was released.
        found += _against(corpus.releases(), catalog)
    return tuple(dict.fromkeys(found))


def _against(releases: Sequence[Release], catalog: Catalog) -> Iterator[Problem]:
    today = surface_of(catalog)
    for release in releases:
        yield from _changes(release.surface, today)
    yield from upcaster_problems(catalog)
    yield from stored_problems(releases, catalog)
    if releases:
        yield from buf_problems([*releases[-1].surface.files.values()], [*today.files.values()])


def _changes(released: Surface, today: Surface) -> Iterator[Problem]:
    old, new = index_of(released.files.values()), index_of(today.files.values())
    yield from message_problems(old, new)
    yield from field_problems(old, new)
    yield from event_problems(released.events, today.events)
