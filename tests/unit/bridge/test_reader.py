"""Records whose header names are not UTF-8 are read, and so is all around them."""

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from bridge.kafka.reader import Batch, Batches
from tests.raw_name import RawName

BAD = RawName(b"\xff\xfe\xfd")
CODECS = range(5)


def batch(codec: int, *names: str) -> bytes:
    """A batch of a record for each header name, as a client that cares for nothing sends it."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, False, -1, -1, 0, 1 << 20)
    for offset, name in enumerate(names):
        builder.append(offset, 1, b"key", b"value%d" % offset, [(name, b"1")])
    return bytes(builder.build())


def read(data: bytes) -> list[tuple[int, bytes, str]]:
    """As the client's fetcher does: what it has is passed over."""
    found: list[tuple[int, bytes, str]] = []
    batches = Batches(data)
    assert batches.size_in_bytes() == len(data)
    while batches.has_next():
        one = batches.next_batch()
        assert one.validate_crc()
        behind = -1
        for record in one:
            if record.offset > behind:
                behind = record.offset
                found.append((record.offset, record.value, record.headers[0][0]))
    return found


def test_the_client_alone_stops_at_such_a_name() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(batch(0, "a", BAD)).next_batch())


@pytest.mark.parametrize("codec", CODECS)
def test_every_record_of_every_batch_comes_with_escapes_in_the_name(codec: int) -> None:
    data = batch(codec, "a", BAD, "b", BAD) + batch(codec, "c") + batch(codec, BAD)
    bad = r"\xff\xfe\xfd"
    assert read(data) == [
        (0, b"value0", "a"),
        (1, b"value1", bad),
        (2, b"value2", "b"),
        (3, b"value3", bad),
        (0, b"value0", "c"),
        (0, b"value0", bad),
    ]


def test_the_client_without_its_c_extension_reads_them_too() -> None:
    data = memoryview(batch(0, "a", BAD, "b"))
    names = [record.headers[0][0] for record in Batch(_DefaultRecordBatchPy(data), data)]
    assert names[-2:] == [r"\xff\xfe\xfd", "b"]


def test_a_batch_that_is_broken_otherwise_is_an_error() -> None:
    data = bytearray(batch(0, "a", "b"))
    data[-1] = 4  # more headers than there are
    data[-4] = 8
    with pytest.raises(CorruptRecordException):
        list(Batches(bytes(data)).next_batch())
