"""Which upcasters a service's catalog gets."""

import pytest

from bridge.events.upcasting import Upcaster
from causeway.notifications.v1 import events_pb2 as notifications
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from services import events
from services.events import catalog_of

STEP = Upcaster(orders.OrderShipped, lambda old: orders.OrderShipped(order_id=old.order_id))


def test_whoever_knows_an_old_message_reads_it_as_the_newer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "UPCASTERS", {orders.OrderConfirmed: STEP})
    for modules in ((orders,), (users, orders), (notifications, users, orders)):
        read = catalog_of(*modules).upcast(orders.OrderConfirmed(order_id="o1"))
        assert read == orders.OrderShipped(order_id="o1")


def test_whoever_does_not_know_it_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "UPCASTERS", {orders.OrderConfirmed: STEP})
    assert catalog_of(users).topics() == ("causeway.users.v1",)
