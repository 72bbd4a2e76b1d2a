"""What Users does when something happens to an order: group `causeway.users.credit`."""

from collections.abc import Mapping

from google.protobuf.message import Message

from bridge.errors import Unavailable
from bridge.handling import Handler, Handling
from bridge.store.event_store import EventStore
from causeway.orders.v1.events_pb2 import OrderCancelled, OrderCreated
from services.users import aggregate
from services.users.changes import Decide, change

GROUP = "causeway.users.credit"


def credit_handlers(store: EventStore) -> Mapping[type[Message], Handler]:
    """The handlers of the group, appending to `store`."""

    async def reserve(handling: Handling) -> None:
        created = handling.event.message
        assert isinstance(created, OrderCreated)  # noqa: S101 - the dict below says so
        order = f"orders/{created.order_id}"
        await _decide(
            store,
            handling,
            created.customer,
            order,
            lambda user, claim: aggregate.reserve_credit(user, claim, order, created.total),
        )

    async def release(handling: Handling) -> None:
        cancelled = handling.event.message
        assert isinstance(cancelled, OrderCancelled)  # noqa: S101 - the dict below says so
        order = f"orders/{cancelled.order_id}"
        await _decide(
            store,
            handling,
            cancelled.customer,
            order,
            lambda user, claim: aggregate.release_credit(user, claim, order),
        )

    return {OrderCreated: reserve, OrderCancelled: release}


async def _decide(
    store: EventStore, handling: Handling, customer: str, order: str, decide: Decide
) -> None:
    """Decide for the order's customer, who may be on the way: a registration that is not here yet
    is waited for."""
    user_id = customer.removeprefix("users/")
    user = await change(handling.connection, store, user_id, decide, handling.origin, order)
    if user is None:
        raise Unavailable(
            f"{customer} is not registered yet",
            reason="USER_UNKNOWN",
            metadata={"user": customer, "order": order},
        )
