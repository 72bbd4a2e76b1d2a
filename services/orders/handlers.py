"""What Orders does when something happened elsewhere: message type -> function, by group."""

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from bridge.errors import Internal
from bridge.handling import Handler, Handling
from causeway.inventory.v1.events_pb2 import StockAdjusted
from causeway.users.v1.events_pb2 import CreditDenied, CreditReserved, UserRegistered, UserUpdated
from services.orders import aggregate, customer_table, product_table
from services.orders.aggregate import Decision, Order, Refused
from services.orders.order_log import OrderLog

Kind = TypeVar("Kind", bound=Message)


async def know_customer(handling: Handling) -> None:
    """Keep the customer projection."""
    message = _message(handling, UserRegistered)
    await customer_table.register(
        handling.connection,
        message.user_id,
        message.username,
        message.display_name,
        handling.event.time,
    )


async def rename_customer(handling: Handling) -> None:
    """Keep the customer projection."""
    message = _message(handling, UserUpdated)
    await customer_table.rename(handling.connection, message.user_id, message.display_name)


async def adjust_stock(handling: Handling) -> None:
    """Show the pieces in the price list."""
    message = _message(handling, StockAdjusted)
    await product_table.adjust_stock(handling.connection, message.sku, message.delta)


def credit_handlers(log: OrderLog) -> dict[type[Message], Handler]:
    """Confirm or reject an order by what Users decided. An order that does not wait for it any
    more, a cancelled one, stays as it is."""

    async def confirm(handling: Handling) -> None:
        message = _message(handling, CreditReserved)
        await _decide(log, handling, message.order, aggregate.confirm)

    async def reject(handling: Handling) -> None:
        message = _message(handling, CreditDenied)
        await _decide(
            log, handling, message.order, lambda order: aggregate.reject(order, message.reason)
        )

    return {CreditReserved: confirm, CreditDenied: reject}


async def _decide(
    log: OrderLog, handling: Handling, name: str, decide: Callable[[Order], Decision]
) -> None:
    order = await log.hold(handling.connection, name.removeprefix("orders/"))
    if order is None:
        # Credit is reserved for what an OrderCreated of ours said: it can't be missing.
        raise Internal(f"credit was decided for {name}, which is not in our store")
    decision = decide(order)
    if isinstance(decision, Refused):
        raise Internal(decision.message)
    await log.change(handling.connection, order, decision, handling.origin)


def _message(handling: Handling, kind: type[Kind]) -> Kind:
    if not isinstance(handling.event.message, kind):
        raise Internal(f"{handling.event.type} came to the handler of {kind.__name__}")
    return handling.event.message


CUSTOMERS: dict[type[Message], Handler] = {
    UserRegistered: know_customer,
    UserUpdated: rename_customer,
}
STOCK: dict[type[Message], Handler] = {StockAdjusted: adjust_stock}
