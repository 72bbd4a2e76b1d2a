"""The read model of orders, from events alone.

Its live rows are written with the events, so no member of its group consumes: only a rebuild
runs these handlers.
"""

from collections.abc import Mapping, Sequence

from google.protobuf.message import Message

from bridge.handling import Handler, Handling
from causeway.orders.v1.events_pb2 import OrderCreated
from services.orders import order_table
from services.orders.aggregate import STEPS, Order, evolve

ORDERS_GROUP = "causeway.orders.orders"
ORDERS_TABLES = ("orders",)


async def show_all(handlings: Sequence[Handling]) -> None:
    """Fold events into the rows of their orders: read once, written once."""
    connection = handlings[0].connection
    keys = {handling.event.key for handling in handlings}
    orders: dict[str, Order] = {
        order.id: order for order in await order_table.find_all(connection, keys)
    }
    for event in (handling.event for handling in handlings):
        orders[event.key] = evolve(orders.get(event.key), event.message, event.time)
    await order_table.save_all(connection, orders.values())


async def show(handling: Handling) -> None:
    """Fold one event into its order's row."""
    await show_all([handling])


ORDERS: Mapping[type[Message], Handler] = dict.fromkeys((OrderCreated, *STEPS), show)
