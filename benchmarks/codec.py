"""Encoding a record's value, beside Confluent's own serializer."""

import time
from collections.abc import Callable, Sequence

from google.protobuf.message import Message

from benchmarks.harness import Row, Target, in_turns
from benchmarks.parts import SCHEMA, Bench
from benchmarks.peers.confluent import serializer
from bridge.events.catalog import Catalog
from bridge.events.wire import wire_prefix
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 9
VALUES = 20_000


async def encode(bench: Bench) -> Sequence[Row]:
    """Encode one small message again and again, each with its prefix."""
    message = orders.OrderConfirmed(
        order_id="5c1e7cf0a7f24b8bb8dbdd76b2a6a4ce", customer="users/u1"
    )
    indexes = Catalog.of(orders).type_of(message).indexes
    prefix = wire_prefix(SCHEMA.id, indexes)

    # The store serializes at the append, the relay puts the prefix in front.
    def ours(message: Message) -> bytes:
        return prefix + message.SerializeToString()

    theirs = serializer(orders.OrderConfirmed, "bench")

    async def our_side() -> float:
        return _values_per_second(ours, message)

    async def their_side() -> float:
        return _values_per_second(theirs, message)

    rounds = await in_turns(our_side, their_side, ROUNDS, bench.say)
    return [Row("encode", "Confluent's serializer", "values/s", rounds, Target(least=10))]


def _values_per_second(encode: Callable[[Message], bytes], message: Message) -> float:
    began = time.perf_counter()
    for _ in range(VALUES):
        encode(message)
    return VALUES / (time.perf_counter() - began)
