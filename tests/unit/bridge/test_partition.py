"""Where a key goes. The numbers came from kafka-clients 4.3.0, `BuiltInPartitioner`, of 1000."""

import pytest
from aiokafka.partitioner import DefaultPartitioner

GOLDEN = {
    "a": 524,
    "o1": 267,
    "abc": 107,
    "abcd": 100,
    "0198f2f0-7c3b-7d44-9c2e-3f1b2a4c5d6e": 320,
    "book": 217,
    "lamp": 844,
    "desk": 708,
    "ключ": 24,
    "日本": 627,
    "x" * 200: 333,
}


@pytest.mark.parametrize(("key", "partition"), GOLDEN.items())
def test_a_key_goes_where_java_puts_it(key: str, partition: int) -> None:
    every = list(range(1000))
    assert DefaultPartitioner()(key.encode(), every, every) == partition
