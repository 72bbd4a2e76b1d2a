"""The layout of what is sealed: pinned byte by byte, as third parties must be able to check it."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from asyncpg.pgproto.pgproto import UUID

from bridge.audit.heads import owner_of, read_head, write_head
from bridge.audit.seals import (
    BEGINNING,
    COLUMNS,
    GENESIS,
    HEAD_EVERY,
    Chain,
    Head,
    fields,
    seal_hash,
)

EVENT_ID = "0198f2f0-7c3b-7d44-9c2e-3f1b2a4c5d6e"
VALUES = (
    258,
    "orders/o1",
    2,
    "causeway.orders.v1.OrderConfirmed",
    UUID(EVENT_ID),
    b"\x0a\x02o1",
    7,
    datetime(2026, 11, 26, 12, 30, 15, 123456, tzinfo=UTC),
    "users/ключ",
    "causeway-cli",
    "/causeway.orders.v1.OrderService/CreateOrder",
    "r1",
    EVENT_ID,
    "",
    None,
)
# One line a column: OID, length, value.
GOLDEN_FIELDS = bytes.fromhex(
    """
    0000000f
    00000014 00000008 0000000000000102
    00000019 00000009 6f72646572732f6f31
    00000014 00000008 0000000000000002
    00000019 00000021 63617573657761792e6f72646572732e76312e4f72646572436f6e6669726d6564
    00000b86 00000010 0198f2f07c3b7d449c2e3f1b2a4c5d6e
    00000011 00000004 0a026f31
    00000017 00000004 00000007
    000004a0 00000008 0003042bdfcf0600
    00000019 0000000e 75736572732fd0bad0bbd18ed187
    00000019 0000000c 63617573657761792d636c69
    00000019 0000002c
    2f63617573657761792e6f72646572732e76312e4f72646572536572766963652f4372656174654f72646572
    00000019 00000002 7231
    00000019 00000024
    30313938663266302d376333622d376434342d396332652d336631623261346335643665
    00000019 00000000
    00000019 ffffffff
    """
)
GOLDEN_HASH = "636433aa0a4d9a4413e55de7305845a8de9e3aa1cf5d2e08d8185f77568a77d5"


def test_an_event_is_laid_out_as_it_always_was() -> None:
    assert fields(VALUES) == GOLDEN_FIELDS


def test_a_seal_is_the_hash_of_version_predecessor_and_fields() -> None:
    assert sha256(b"\x01" + bytes(32) + GOLDEN_FIELDS).hexdigest() == GOLDEN_HASH
    assert seal_hash(GENESIS, fields(VALUES)).hex() == GOLDEN_HASH


@pytest.mark.parametrize("at", range(len(COLUMNS)))
def test_no_column_can_be_emptied_unseen(at: int) -> None:
    emptied = [*VALUES[:at], None, *VALUES[at + 1 :]]
    changed = fields(emptied) != fields(VALUES)
    assert changed == (VALUES[at] is not None)


def test_what_moves_from_one_column_to_the_next_is_seen() -> None:
    moved = (*VALUES[:8], "users/ключc", "auseway-cli", *VALUES[10:])
    assert fields(moved) != fields(VALUES)


def test_a_chain_goes_on_from_its_head_only_when_that_is_committed() -> None:
    chain = Chain(BEGINNING)
    one, two = chain.hashes([b"a", b"b"])
    assert chain.head == BEGINNING
    assert two == seal_hash(one, b"b")
    chain.advance(7, [one, two])
    assert chain.head == Head(2, 7, two)
    assert chain.hashes([b"c"]) == [seal_hash(two, b"c")]


def test_a_head_is_due_after_a_thousand_events() -> None:
    chain = Chain(BEGINNING)
    chain.advance(999, [b"x" * 32] * (HEAD_EVERY - 1))
    assert not chain.due.is_set()
    chain.advance(1000, [b"y" * 32])
    assert chain.due.is_set()
    chain.announce(chain.head)
    assert not chain.due.is_set()


def test_a_head_is_json_that_says_its_seal() -> None:
    head = Head(1000, 1004, bytes.fromhex(GOLDEN_HASH))
    said = (
        '{"source": "/causeway/orders", "seq": 1000, "position": 1004, "hash": "'
        + GOLDEN_HASH
        + '"}'
    )
    assert write_head("/causeway/orders", head) == said.encode()
    assert read_head(said.encode()) == head
    assert owner_of("/causeway/orders") == "orders"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"seq": 0, "position": 1, "hash": ""}',
        b'{"seq": true, "position": 1, "hash": "%s"}' % (b"00" * 32),
        b'{"seq": 1.5, "position": 1, "hash": "%s"}' % (b"00" * 32),
        b'{"seq": 1e999, "position": 1, "hash": "%s"}' % (b"00" * 32),
        b'{"seq": 9223372036854775808, "position": 1, "hash": "%s"}' % (b"00" * 32),
        b'{"seq": 1, "position": -9223372036854775809, "hash": "%s"}' % (b"00" * 32),
        b'{"seq": 1, "position": 1, "hash": 7}',
        b"[" * 200_000,
    ],
)
def test_what_is_no_head_is_told_from_one(value: bytes) -> None:
    with pytest.raises(ValueError):
        read_head(value)
