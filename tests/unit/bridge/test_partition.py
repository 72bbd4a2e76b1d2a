"""Where a key goes. The numbers came from kafka-clients 4.3.0, `BuiltInPartitioner`, of 1000."""

import pytest
from aiokafka.partitioner import murmur2 as client_murmur2
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.partitioner import murmur2, partition_of

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
    assert partition_of(key.encode(), 1000) == partition


@given(st.binary(max_size=100))
def test_we_hash_as_the_client_library_does(data: bytes) -> None:
    assert murmur2(data) == client_murmur2(data)
