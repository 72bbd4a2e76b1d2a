"""What is read from the protos."""

from types import ModuleType

import pytest
from google.protobuf import descriptor_pb2

from bridge.errors import Internal, InvalidArgument
from bridge.events.catalog import Catalog, message_indexes
from causeway.inventory.v1 import events_pb2 as inventory
from causeway.notifications.v1 import events_pb2 as notifications
from causeway.orders.v1 import events_pb2 as orders
from causeway.orders.v1 import order_service_pb2
from causeway.users.v1 import events_pb2 as users

EVENTS = (orders, users, notifications, inventory)


def test_an_event_type_holds_what_its_option_says() -> None:
    stock = Catalog.of(inventory)["causeway.inventory.v1.StockAdjusted"]
    assert stock.message is inventory.StockAdjusted
    assert (stock.topic, stock.stream, stock.key) == (
        "causeway.inventory.v1",
        "inventory",
        ("sku",),
    )
    assert stock.subject == "causeway.inventory.v1-causeway.inventory.v1.StockAdjusted"
    assert stock.proto_file == "causeway/inventory/v1/events.proto"
    assert (stock.publish_roles, stock.subscribe_roles) == (("publisher",), ("operator",))


@pytest.mark.parametrize("module", EVENTS, ids=lambda module: module.__name__)
def test_indexes_count_as_the_file_declares(module: ModuleType) -> None:
    file = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    found = {one.name: one.indexes for one in Catalog.of(module)}
    assert found == {
        f"{file.package}.{message.name}": (index,)
        for index, message in enumerate(file.message_type)
    }


def test_a_nested_message_has_a_path() -> None:
    assert message_indexes(orders.OrderCreated.Item.DESCRIPTOR) == (0, 0)


def test_topics_are_listed_once() -> None:
    assert Catalog.of(orders, users).topics() == ("causeway.orders.v1", "causeway.users.v1")


def test_a_stream_is_named_by_type_and_key() -> None:
    one = Catalog.of(orders)["causeway.orders.v1.OrderConfirmed"]
    assert one.stream_of(orders.OrderConfirmed(order_id="o1")) == "orders/o1"


def test_an_empty_key_is_refused() -> None:
    one = Catalog.of(orders)["causeway.orders.v1.OrderConfirmed"]
    with pytest.raises(InvalidArgument, match="empty order_id"):
        one.key_of(orders.OrderConfirmed())


def test_a_message_that_is_no_event_is_refused() -> None:
    with pytest.raises(Internal):
        Catalog.of(order_service_pb2)
    with pytest.raises(Internal):
        Catalog.of(orders).type_of(users.UserRegistered())
