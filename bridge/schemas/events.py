"""Event options: where an event lives never changes; a newer version has an upcaster to it."""

import re
from collections.abc import Iterator, Mapping

from bridge.events.catalog import Catalog
from bridge.schemas.problem import Problem
from bridge.schemas.surface import EventEntry

ADVICE = {
    "topic": "give it its topic back; a newer version rides the same one, or the order per key "
    "is lost",
    "key": "give it its key back; events of one aggregate would go to several partitions",
    "stream": "give it its stream back; stored events are in streams of that name",
}
_VERSIONED = re.compile(r"(?P<area>.+)\.v(?P<major>\d+)\.(?P<name>\w+)")


def event_problems(
    old: Mapping[str, EventEntry], new: Mapping[str, EventEntry]
) -> Iterator[Problem]:
    """Compare topic, key and stream of every event that both have."""
    for name, was in old.items():
        now = new.get(name)
        for option, advice in ADVICE.items() if now is not None else ():
            before, after = getattr(was, option), getattr(now, option)
            if before != after:
                yield Problem(name, f"had the {option} {before!r} and has {after!r}", advice)


def upcaster_problems(catalog: Catalog) -> Iterator[Problem]:
    """Find older major versions that are not read as the newest one: v1 beside v2 of a name."""
    majors: dict[tuple[str, str], dict[int, str]] = {}
    for event_type in catalog:
        if found := _VERSIONED.fullmatch(event_type.name):
            versions = majors.setdefault((found["area"], found["name"]), {})
            versions[int(found["major"])] = event_type.name
    for versions in majors.values():
        newest = versions[max(versions)]
        for name in versions.values():
            if catalog.newest(name) != newest:
                text = f"is not read as {newest}: no upcaster leads from it there"
                yield Problem(name, text, "add one; stored events are of the older version")
