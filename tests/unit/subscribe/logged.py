"""Records that a log could hold."""

from datetime import UTC, datetime

from bridge.events.catalog import Catalog
from bridge.events.codec import headers
from bridge.events.event import Origin
from bridge.events.wire import wire_prefix
from bridge.kafka.record import Partition
from bridge.subscribe.seen import Seen
from causeway.orders.v1 import events_pb2 as orders
from tests.unit.bridge.records import FakeRecord

CATALOG = Catalog.of(orders)
TOPIC = "causeway.orders.v1"
CONFIRMED = CATALOG["causeway.orders.v1.OrderConfirmed"]
ONE, OTHER = Partition(TOPIC, 0), Partition(TOPIC, 1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def seen(
    where: Partition,
    offset: int,
    key: str = "o1",
    source: str = "/causeway/orders",
    customer: str = "",
) -> Seen:
    """An event at a place; its key and its id say which, and its customer how large it is."""
    said = headers(
        f"0198f2f0-7c3b-7d44-9c2e-{where.partition:04}{offset:08}",
        CONFIRMED,
        source,
        f"orders/{key}",
        1,
        NOON,
        1,
        Origin(),
    )
    data = orders.OrderConfirmed(order_id=key, customer=customer)
    value = wire_prefix(7, CONFIRMED.indexes) + data.SerializeToString()
    return Seen(FakeRecord(TOPIC, where.partition, offset, key.encode(), value, said), CATALOG)
