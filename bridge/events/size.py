"""How large a record may be: refused at the command, so that the outbox never wedges."""

from collections.abc import Sequence

from bridge.errors import InvalidArgument

MAX_RECORD_BYTES = 1_000_000
"""Below the brokers' `message.max.bytes` (1,048,588) and the producer's `max_request_size`
(1,048,576), both defaults, with room for the batch's own fields."""

HEADER_NAMES_BYTES = 600
"""Names of all headers, their values of fixed size, the record's own varints; rounded up."""

MAX_TEXT_BYTES = 1024
"""Of a stream's name, an actor or a correlation id: PostgreSQL can't index a text of 2,704 bytes
and says so in words of its own."""


def check_size(type_name: str, data: bytes, *texts: str) -> None:
    """Raise InvalidArgument if `data` with headers `texts` (source, stream, …) is too large."""
    # No text has more than 4 bytes a character: mostly nothing need be encoded to see it.
    longest = 4 * max(map(len, texts), default=0)
    if longest > MAX_TEXT_BYTES:
        _check_texts(type_name, texts)
    if len(data) + HEADER_NAMES_BYTES + longest * len(texts) <= MAX_RECORD_BYTES:
        return
    size = len(data) + HEADER_NAMES_BYTES + sum(len(text.encode()) for text in texts)
    if size > MAX_RECORD_BYTES:
        raise InvalidArgument(
            f"{type_name} would be {size} bytes on Kafka; at most {MAX_RECORD_BYTES} fit",
            reason="EVENT_TOO_LARGE",
            metadata={"type": type_name, "bytes": str(size), "limit": str(MAX_RECORD_BYTES)},
        )


def _check_texts(type_name: str, texts: Sequence[str]) -> None:
    longest = max(len(text.encode()) for text in texts)
    if longest > MAX_TEXT_BYTES:
        raise InvalidArgument(
            f"{type_name} has a key or a name of {longest} bytes; at most {MAX_TEXT_BYTES} fit",
            reason="NAME_TOO_LONG",
            metadata={"type": type_name, "bytes": str(longest), "limit": str(MAX_TEXT_BYTES)},
        )
