"""Credit on a real PostgreSQL: orders come as the consumer would hand them over."""

import asyncio
import uuid
from typing import Any

import asyncpg
import pytest
from google.type.money_pb2 import Money

from bridge.errors import Unavailable
from bridge.events.event import Event, Origin, caused_by
from bridge.handling import Handling
from bridge.store.event_store import EventStore
from causeway.orders.v1.events_pb2 import OrderCancelled, OrderCreated
from services.users import aggregate, user_table
from services.users.aggregate import User, evolve
from services.users.changes import change, show
from services.users.handlers import credit_handlers
from services.users.money import NANOS
from tests.integration.events import event_of


def euros(units: int) -> Money:
    return Money(currency_code="EUR", units=units)


class Account:
    """A registered user, and the orders that concern it."""

    def __init__(self, pool: asyncpg.Pool, store: EventStore) -> None:
        self.pool, self.store = pool, store
        self.id = str(uuid.uuid4())
        self.handlers = credit_handlers(store)

    async def register(self, limit: int = 500) -> None:
        name = f"u{self.id[:8]}"
        messages = aggregate.register(self.id, name, "", f"{name}@example.org", limit * NANOS)
        async with self.pool.acquire() as connection, connection.transaction():
            stream = f"users/{self.id}"
            events = await self.store.append(connection, stream, 0, messages, Origin())
            await show(connection, None, events)

    async def ordered(self, order: str, units: int) -> None:
        message = OrderCreated(order_id=order, customer=f"users/{self.id}", total=euros(units))
        await self.handle(message)

    async def cancelled(self, order: str) -> None:
        await self.handle(OrderCancelled(order_id=order, customer=f"users/{self.id}"))

    async def handle(self, message: Any) -> None:
        event = event_of(message, f"orders/{message.order_id}")
        async with self.pool.acquire() as connection, connection.transaction():
            handling = Handling(event, connection, caused_by(event))
            await self.handlers[type(message)](handling)

    async def events(self) -> list[Event]:
        async with self.pool.acquire() as connection:
            return await self.store.load(connection, f"users/{self.id}")

    async def kinds(self) -> list[str]:
        return [event.type.rpartition(".")[2] for event in await self.events()][1:]

    async def user(self) -> User:
        """The read model, held against a fold of the stream."""
        async with self.pool.acquire() as connection:
            shown = await user_table.find(connection, self.id)
        folded: User | None = None
        for event in await self.events():
            folded = evolve(folded, event.message, event.time)
        assert shown is not None
        assert shown == folded
        return shown


@pytest.fixture
async def account(pool: asyncpg.Pool, store: EventStore) -> Account:
    account = Account(pool, store)
    await account.register()
    return account


async def test_an_order_reserves_credit_on_its_customers_stream(account: Account) -> None:
    await account.ordered("o1", 300)
    assert (await account.user()).reserved == 300 * NANOS
    (reserved,) = (await account.events())[1:]
    assert reserved.message.order == "orders/o1"  # type: ignore[attr-defined]
    assert (reserved.origin.actor, reserved.origin.correlation_id) == ("ann", "c1")
    assert reserved.origin.causation_id


async def test_an_order_beyond_the_limit_is_denied_and_reserves_nothing(account: Account) -> None:
    await account.ordered("o1", 501)
    assert await account.kinds() == ["CreditDenied"]
    assert (await account.user()).reserved == 0


async def test_the_same_order_again_changes_nothing(account: Account) -> None:
    await account.ordered("o1", 300)
    await account.ordered("o1", 300)
    await account.cancelled("o1")
    await account.cancelled("o1")
    await account.ordered("o1", 300)
    assert await account.kinds() == ["CreditReserved", "CreditReleased"]
    assert (await account.user()).reserved == 0


async def test_an_order_whose_cancellation_comes_first_ends_released(account: Account) -> None:
    await account.cancelled("o1")
    await account.ordered("o1", 300)
    assert await account.kinds() == ["CreditReleased"]
    assert (await account.user()).reserved == 0


async def test_an_order_of_a_user_who_is_not_known_yet_may_succeed_later(
    pool: asyncpg.Pool, store: EventStore
) -> None:
    account = Account(pool, store)
    for message in (account.ordered("o1", 1), account.cancelled("o2")):
        with pytest.raises(Unavailable) as early:
            await message
        assert early.value.retriable
    await account.register()
    await account.ordered("o1", 1)
    assert await account.kinds() == ["CreditReserved"]


async def test_orders_at_the_same_time_never_overspend_and_each_gets_its_answer(
    account: Account,
) -> None:
    await asyncio.gather(*(account.ordered(f"o{number}", 100) for number in range(12)))
    kinds = await account.kinds()
    assert sorted(kinds) == ["CreditDenied"] * 7 + ["CreditReserved"] * 5
    assert (await account.user()).reserved == 500 * NANOS


async def test_two_orders_that_meet_are_both_handled_at_the_first_attempt(
    account: Account,
) -> None:
    async with account.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await change(
            connection,
            account.store,
            account.id,
            lambda user, claim: aggregate.reserve_credit(user, claim, "orders/o1", euros(300)),
            Origin(),
            "orders/o1",
        )
        # Decides on a state that is old by the time it appends, and waits there for our commit.
        meeting = asyncio.create_task(account.ordered("o2", 300))
        await asyncio.sleep(0.3)
        assert not meeting.done()
        await transaction.commit()
    await meeting
    assert await account.kinds() == ["CreditReserved", "CreditDenied"]
    assert (await account.user()).reserved == 300 * NANOS


async def test_a_handler_that_is_rolled_back_leaves_nothing(account: Account) -> None:
    event = event_of(
        OrderCreated(order_id="o1", customer=f"users/{account.id}", total=euros(1)), "orders/o1"
    )
    async with account.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await account.handlers[OrderCreated](Handling(event, connection, Origin()))
        await transaction.rollback()
    assert await account.kinds() == []
    assert (await account.user()).version == 1


async def test_an_order_of_a_deactivated_user_is_denied_with_its_reason_and_a_cancelled_one_frees(
    account: Account,
) -> None:
    await account.ordered("o1", 300)
    async with account.pool.acquire() as connection, connection.transaction():
        await change(
            connection,
            account.store,
            account.id,
            lambda user, _claim: aggregate.deactivate(user, "fraud"),
            Origin(),
        )
    await account.ordered("o2", 1)
    await account.cancelled("o1")
    assert await account.kinds() == [
        "CreditReserved",
        "UserDeactivated",
        "CreditDenied",
        "CreditReleased",
    ]
    denied = (await account.events())[3].message
    assert denied.reason == "The account is deactivated."  # type: ignore[attr-defined]
    assert (await account.user()).reserved == 0
