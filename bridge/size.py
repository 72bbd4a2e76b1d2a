"""How large a record may be: refused at the command, so that the outbox never wedges."""

from bridge.errors import InvalidArgument

MAX_RECORD_BYTES = 1_000_000
"""Below the brokers' `message.max.bytes` (1,048,588) and the producer's `max_request_size`
(1,048,576), both defaults, with room for the batch's own fields."""

HEADER_NAMES_BYTES = 600
"""Names of all headers, their values of fixed size, the record's own varints; rounded up."""


def check_size(type_name: str, data: bytes, *texts: str) -> None:
    """Raise InvalidArgument if `data` with headers `texts` (source, stream, …) is too large."""
    size = len(data) + HEADER_NAMES_BYTES + 4 * sum(map(len, texts))
    if size <= MAX_RECORD_BYTES:
        return  # no text has more than 4 bytes a character: nothing need be encoded to see it
    size = len(data) + HEADER_NAMES_BYTES + sum(len(text.encode()) for text in texts)
    if size > MAX_RECORD_BYTES:
        raise InvalidArgument(
            f"{type_name} would be {size} bytes on Kafka; at most {MAX_RECORD_BYTES} fit",
            reason="EVENT_TOO_LARGE",
            metadata={"type": type_name, "bytes": str(size), "limit": str(MAX_RECORD_BYTES)},
        )
