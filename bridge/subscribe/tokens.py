"""Resume tokens of subscriptions: where a reader is in the log, signed for it and its filter."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from bridge.errors import FieldViolation, InvalidArgument
from bridge.kafka.record import Partition
from bridge.server.sealed import mac, seal, unseal
from causeway.bridge.v1 import event_service_pb2 as pb

MOST_PARTITIONS = 300
"""Of a subscription: even offsets of 9 bytes then fit the 4,096 characters of a token."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader is: by partition the next offset; `since`: what is older is not wanted."""

    at: Mapping[Partition, int] = field(default_factory=dict)
    since: datetime | None = None


class ResumeTokens:
    """Seals and opens tokens; every replica with the same secret opens them.

    A token is base64url of a MAC and varints: `since` in microseconds (0: none), then for each
    topic, in order of name, the count of its partitions and their offsets. The MAC covers the
    caller and the filter, so a token shows nobody more, or something else, than it was made for.
    """

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"subscription\0" + secret.encode()).digest()

    def seal(self, binding: bytes, place: Place) -> str:
        """Make the token for "has seen everything before this place"."""
        return seal(bytes(_written(place)), partial(self._tag, binding))

    def open(self, binding: bytes, topics: Iterable[str], token: str) -> Place:
        """Read a token; `topics` sorted. InvalidArgument: altered, another's, another filter's."""
        text = unseal(token, partial(self._tag, binding))
        if text is None:
            raise _bad_token()
        return _read(text, topics)

    def _tag(self, binding: bytes, text: bytes) -> bytes:
        return mac(self._key, binding + text)


def binding_of(subject: str, request: pb.SubscribeEventsRequest) -> bytes:
    """Digest of who asks for what: the same whatever the order of topics, types, keys, sources."""
    digest = hashlib.sha256()
    for part in ((subject,), request.topics, request.types, request.keys, request.sources):
        values = sorted({value.encode() for value in part})
        digest.update(len(values).to_bytes(4, "big"))
        for value in values:
            digest.update(len(value).to_bytes(4, "big") + value)
    return digest.digest()


def _written(place: Place) -> Iterator[int]:
    yield from _varint((place.since - BEGINNING) // MICROSECOND if place.since else 0)
    offsets: dict[str, list[int]] = {}
    for where in sorted(place.at):
        offsets.setdefault(where.topic, []).append(place.at[where])
    for some in offsets.values():
        for number in (len(some), *some):
            yield from _varint(number)


def _read(text: bytes, topics: Iterable[str]) -> Place:
    numbers = _numbers(text)
    micros = next(numbers)
    at = {
        Partition(topic, number): next(numbers)
        for topic in topics
        for number in range(next(numbers))
    }
    return Place(at, BEGINNING + micros * MICROSECOND if micros else None)


def _varint(number: int) -> Iterator[int]:
    while number > 0x7F:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number


def _numbers(text: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in text:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0


def _bad_token() -> InvalidArgument:
    text = "is not a resume token of this subscription"
    return InvalidArgument(
        f"resume_token: {text}",
        violations=(FieldViolation("resume_token", text),),
        reason="INVALID_RESUME_TOKEN",
    )
