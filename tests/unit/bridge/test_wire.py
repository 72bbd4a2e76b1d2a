"""The value of a record, against bytes that Confluent's and Apicurio's clients wrote."""

import pytest

from bridge.errors import Undecodable
from bridge.events.wire import payload, split_value, wire_prefix
from tests import vectors
from tests.confluent import confluents_reading, confluents_writing
from tests.vectors import SCHEMA_ID, Vector

VECTORS = vectors.read()
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)

PREFIXES = [
    (1, (0,), "00 00000001 00"),
    (7, (1,), "00 00000007 02 02"),
    (0x01020304, (2, 0), "00 01020304 04 04 00"),
    (7, (0, 0), "00 00000007 04 00 00"),
    (7, (63,), "00 00000007 02 7e"),
    (7, (64,), "00 00000007 02 8001"),
    (7, (300, 1), "00 00000007 04 d804 02"),
    (2**32 - 1, (0,), "00 ffffffff 00"),
]


@pytest.mark.parametrize(("schema_id", "indexes", "golden"), PREFIXES)
def test_the_prefix_is_confluents(schema_id: int, indexes: tuple[int, ...], golden: str) -> None:
    prefix = bytes.fromhex(golden)
    assert wire_prefix(schema_id, indexes) == prefix
    assert split_value(prefix + b"data") == (schema_id, indexes, b"data")


@each_vector
def test_we_write_what_confluents_client_wrote(vector: Vector) -> None:
    assert (
        wire_prefix(SCHEMA_ID, vector.indexes) + vector.message.SerializeToString()
        == vector.confluent
    )


@each_vector
def test_confluents_client_writes_it_still(vector: Vector) -> None:
    assert confluents_writing(vector.message, SCHEMA_ID) == vector.confluent


@each_vector
def test_confluents_client_reads_what_we_write(vector: Vector) -> None:
    value = wire_prefix(SCHEMA_ID, vector.indexes) + vector.message.SerializeToString()
    assert confluents_reading("t", value, vector.kind) == vector.message


@each_vector
def test_we_read_what_both_clients_wrote(vector: Vector) -> None:
    for value in (vector.confluent, vector.apicurio):
        data = payload(value, vector.indexes)
        assert vector.kind.FromString(data) == vector.message
        assert split_value(value) == (SCHEMA_ID, vector.indexes, data)


@each_vector
def test_the_path_is_the_one_of_the_message(vector: Vector) -> None:
    assert vectors.indexes_of(vector.message) == vector.indexes


def test_the_vectors_hold_every_kind_of_path() -> None:
    paths = {vector.indexes for vector in VECTORS}
    assert {(0,), (1,), (0, 0), (63,), (64,), (64, 1), (64, 1, 0)} <= paths
    assert {len(vector.confluent) for vector in VECTORS} & {6}, "an empty first message"


def test_the_first_path_is_one_byte_of_ours_and_two_of_apicurios() -> None:
    [first] = [vector for vector in VECTORS if vector.name == "a first message, empty"]
    assert (first.confluent[5:], first.apicurio[5:]) == (b"\0", b"\2\0")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "it has no value"),
        (b"", "not in the schema registry's wire format"),
        (b"\0\0\0\0\1", "not in the schema registry's wire format"),
        (b"\1\0\0\0\7\0", "not in the schema registry's wire format"),
        (b"\0\0\0\0\7\xff", "path of its value does not end"),
        (b"\0\0\0\0\7\2", "path of its value does not end"),
        (b"\0\0\0\0\7\xff\xff\xff\xff\xff\xff\0", "path of its value does not end"),
        (b"\0\0\0\0\7\2\1", "path of its value is negative"),
        (b"\0\0\0\0\7\1", "path of its value is negative"),
        (b"\0\0\0\0\7\2\4", r"the message at \[2\] of its file, its type is at \[1\]"),
        (b"\0\0\0\0\7\0", r"the message at \[0\] of its file, its type is at \[1\]"),
    ],
)
def test_a_value_that_is_not_the_types_is_undecodable(value: bytes | None, words: str) -> None:
    with pytest.raises(Undecodable, match=words):
        payload(value, (1,))
