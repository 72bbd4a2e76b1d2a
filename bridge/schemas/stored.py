"""Every stored version of every event: decoded by today's code, and upcast."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.errors import CausewayError
from bridge.events.catalog import Catalog
from bridge.events.codec import decode, headers
from bridge.events.event import Origin
from bridge.events.wire import wire_prefix
from bridge.kafka.record import Headers
from bridge.schemas.problem import Problem
from bridge.schemas.release import Reading, Release, Sample, reading_of

EVENT_ID = "019354c8-0000-7000-8000-000000000000"
TIME = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA_ID = 1
MUST_READ = "undo what keeps today's code from reading it; its events are stored for ever"
MEANS_THE_SAME = "the same bytes mean the same for ever; put it back"


@dataclass(frozen=True, slots=True)
class _Record:
    """A sample as it lies on Kafka."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers
    partition: int = 0
    offset: int = 0


def stored_problems(releases: Iterable[Release], catalog: Catalog) -> Iterator[Problem]:
    """Decode and upcast every payload; the newest release that holds it says what it means.

    Gives the first problem of each message or field: the other payloads have the same one.
    """
    newest = {
        (sample.type, sample.data): (release, sample)
        for release in releases
        for sample in release.samples
    }
    said: set[str] = set()
    for release, sample in newest.values():
        for problem in _sample_problems(release, sample, catalog):
            if problem.element not in said:
                said.add(problem.element)
                yield problem


def _sample_problems(release: Release, sample: Sample, catalog: Catalog) -> Iterator[Problem]:
    if catalog.get(sample.type) is None:
        return  # its removal is a problem of its own
    where = f"payload {sample.data.hex()[:32] or '(empty)'} of release {release.number}"
    try:
        event = decode(_record(release, sample, catalog), catalog)
        stream = catalog.type_of(event.message).stream_of(event.message)
    except CausewayError as error:
        why = error.message.removeprefix(f"record {catalog[sample.type].topic}/0/0: ")
        yield Problem(sample.type, f"can't be read from its {where} ({why})", MUST_READ)
        return
    if stream != sample.stream:
        text = f"is read from its {where} as one of {stream}, and is stored in {sample.stream}"
        yield Problem(sample.type, text, "an upcaster keeps the key")
    yield from _differences(sample, reading_of(event.message), where, catalog)


def _differences(sample: Sample, now: Reading, where: str, catalog: Catalog) -> Iterator[Problem]:
    then = sample.reads_as
    if now.type != then.type:
        # A newer version is the work of a new upcaster; anything else lost one.
        if catalog.get(then.type) is None or catalog.newest(then.type) != now.type:
            text = f"is read from its {where} as {now.type}, and was as {then.type}"
            yield Problem(sample.type, text, "put the upcaster back")
        return
    for field in sorted({*then.json, *now.json}):
        if then.json.get(field) != now.json.get(field):
            text = f"has another value than it had in {where}"
            yield Problem(f"{now.type}.{field}", text, MEANS_THE_SAME)


def _record(release: Release, sample: Sample, catalog: Catalog) -> _Record:
    event_type = catalog[sample.type]
    entry = release.surface.events[sample.type]
    key = sample.stream.partition("/")[2].encode()
    value = wire_prefix(SCHEMA_ID, sample.indexes) + sample.data
    said = headers(EVENT_ID, event_type, "/corpus", sample.stream, 1, TIME, SCHEMA_ID, Origin())
    return _Record(entry.topic, key, value, said)
