"""aiokafka's consumer, made to read records whose header names are not UTF-8.

Kafka leaves such names to its clients. aiokafka (0.14) raises UnicodeDecodeError at one, and that
can't be sought past: brokers give out whole batches, which it decodes from their first record on,
so all behind it in its batch, and its partition, would be out of reach for good.
"""

import struct
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from bridge.kafka.settings import KafkaSettings

LENGTH = struct.Struct(">8xi")
"""Of what follows, behind a batch's base offset (https://kafka.apache.org/documentation/#recordbatch)."""

METADATA_MAX_AGE_MS = 5_000
"""Who asks a former leader where a partition begins, or what is new in a silent one, asks it again
until this is over: there the fetcher does not look for the new leader. Its default is 5 minutes."""


def make_reader(settings: KafkaSettings, **options: Any) -> AIOKafkaConsumer:
    """Make a consumer with aiokafka's own `options`, that commits nothing by itself; nothing is
    connected yet."""
    # The name under which the client looks for what takes fetched batches apart: it has no option.
    fetcher.MemoryRecords = Batches
    return AIOKafkaConsumer(
        **settings.client(),
        enable_auto_commit=False,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
        **options,
    )


class Batches:
    """Takes fetched batches apart; aiokafka's MemoryRecords, but for the batches it gives."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._strict: Any = MemoryRecords(data)

    def size_in_bytes(self) -> int:
        """Give the size of all batches."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether there is another whole batch."""
        return bool(self._strict.has_next())

    def next_batch(self) -> "Batch":
        """Give the next batch; only if there is one."""
        begin = self._at
        self._at += LENGTH.size + LENGTH.unpack_from(self._data, begin)[0]
        return Batch(self._strict.next_batch(), memoryview(self._data)[begin : self._at])


class Batch:
    """aiokafka's batch, which gives every record."""

    def __init__(self, strict: Any, data: memoryview) -> None:
        self._strict = strict
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strict, name)

    def __next__(self) -> Any:
        return next(self._strict)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._strict
        except (UnicodeDecodeError, CorruptRecordException) as error:
            if not _is_of_text(error):
                raise
            # From the first on again: the fetcher passes over what it has.
            yield from _leniently(self._data)


def _is_of_text(error: Exception) -> bool:
    """Whether a name can't be decoded; without its C extension aiokafka raises another error."""
    return isinstance(error, UnicodeDecodeError) or isinstance(error.__cause__, UnicodeDecodeError)


def _leniently(data: memoryview) -> Iterator[Any]:
    batch = _DefaultRecordBatchPy(data)
    records: Iterator[Any] = iter(batch)
    # Unpacked by now.
    batch._buffer = _Lenient(batch._buffer)
    return records


class _Lenient(bytearray):
    """Bytes whose parts, as text, have escapes for what is not UTF-8: b"\\xff" is r"\\xff"."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Lenient(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)
