"""How old messages are read as new ones."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from bridge.errors import Internal
from bridge.events.catalog import Catalog
from bridge.events.upcasting import Upcaster, Upcasters
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from tests.event_protos import protos

CONFIRMED, SHIPPED, DELIVERED = (
    f"causeway.orders.v1.{name}" for name in ("OrderConfirmed", "OrderShipped", "OrderDelivered")
)


def to(newer: type[Message]) -> Callable[[Any], Message]:
    return lambda old: newer(order_id=f"{old.order_id}+")


CHAIN = Upcasters(
    {
        orders.OrderConfirmed: Upcaster(orders.OrderShipped, to(orders.OrderShipped)),
        orders.OrderShipped: Upcaster(orders.OrderDelivered, to(orders.OrderDelivered)),
    }
)


def test_a_message_goes_through_the_whole_chain() -> None:
    assert CHAIN(orders.OrderConfirmed(order_id="o1")) == orders.OrderDelivered(order_id="o1++")
    assert CHAIN(orders.OrderShipped(order_id="o1")) == orders.OrderDelivered(order_id="o1+")


def test_a_message_without_an_upcaster_stays_what_it_is() -> None:
    message = orders.OrderCreated(order_id="o1")
    assert CHAIN(message) is message
    assert Catalog.of(orders).upcast(message) is message


def test_a_catalog_knows_under_which_types_an_event_may_be_stored() -> None:
    catalog = Catalog.of(orders, upcasters=CHAIN)
    assert catalog.newest(CONFIRMED) == DELIVERED
    assert catalog.newest(DELIVERED) == DELIVERED
    assert catalog.stored_as([DELIVERED]) == {CONFIRMED, SHIPPED, DELIVERED}
    assert catalog.stored_as([SHIPPED]) == {SHIPPED}


def test_a_circle_is_refused_when_it_is_made() -> None:
    with pytest.raises(Internal, match=f"{SHIPPED} → {CONFIRMED} → {SHIPPED}|{CONFIRMED} →"):
        Upcasters(
            {
                orders.OrderConfirmed: Upcaster(orders.OrderShipped, to(orders.OrderShipped)),
                orders.OrderShipped: Upcaster(orders.OrderConfirmed, to(orders.OrderConfirmed)),
            }
        )
    with pytest.raises(Internal, match="circle"):
        Upcasters({orders.OrderShipped: Upcaster(orders.OrderShipped, lambda old: old)})


def test_an_upcaster_that_gives_another_type_than_it_names_is_told() -> None:
    wrong = Upcasters(
        {orders.OrderConfirmed: Upcaster(orders.OrderShipped, to(orders.OrderDelivered))}
    )
    with pytest.raises(Internal, match="gives a OrderDelivered, not the"):
        wrong(orders.OrderConfirmed(order_id="o1"))


def test_an_upcaster_to_another_topic_is_refused() -> None:
    away = Upcasters(
        {
            orders.OrderConfirmed: Upcaster(
                users.UserRegistered, lambda _: users.UserRegistered(user_id="u1")
            )
        }
    )
    with pytest.raises(Internal, match="its topic or stream is another"):
        Catalog.of(orders, users, upcasters=away)
    with pytest.raises(Internal, match="not an event of this catalog"):
        Catalog.of(orders, upcasters=away)


def test_a_new_major_version_rides_on_the_topic_of_the_old_one() -> None:
    text = """
    syntax = "proto3";
    package causeway.shop.{version};
    import "causeway/options/v1/options.proto";
    message CartClosed {{
      option (causeway.options.v1.event) = {{
        topic: "causeway.shop.v1" key: "id" stream: "carts"
      }};
      string id = 1;
      string {field} = 2;
    }}
    """
    both = protos(
        {
            "causeway/shop/v1/events.proto": text.format(version="v1", field="why"),
            "causeway/shop/v2/events.proto": text.format(version="v2", field="reason"),
        }
    )
    old, new = (both.message(f"causeway.shop.{version}.CartClosed") for version in ("v1", "v2"))

    def upcast(message: Any) -> Message:
        return both.make("causeway.shop.v2.CartClosed", id=message.id, reason=message.why)

    catalog = both.catalog(Upcasters({old: Upcaster(new, upcast)}))
    assert catalog.topics() == ("causeway.shop.v1",)
    assert sorted(one.subject for one in catalog) == [
        "causeway.shop.v1-causeway.shop.v1.CartClosed",
        "causeway.shop.v1-causeway.shop.v2.CartClosed",
    ]
    stored = both.make("causeway.shop.v1.CartClosed", id="c1", why="empty")
    read = catalog.upcast(stored)
    assert read == both.make("causeway.shop.v2.CartClosed", id="c1", reason="empty")
    assert catalog.type_of(read).stream_of(read) == "carts/c1"
