"""What callers do to an order: each command by its etag, its state and its request_id."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import asyncpg
import grpc
import pytest

from causeway.orders.v1 import order_service_pb2 as pb
from client.errors import CallFailed
from client.platform import Platform
from services.orders.order_log import OrderLog
from tests.integration.orders.conftest import order_of
from tests.integration.orders.credit import Credit

BEFORE = {"cancel": ("confirm",), "ship": ("confirm",), "deliver": ("confirm", "ship")}
AFTER = {
    "cancel": pb.Order.STATE_CANCELLED,
    "ship": pb.Order.STATE_SHIPPED,
    "deliver": pb.Order.STATE_DELIVERED,
}
ILLEGAL = [
    ((), "ship"),
    ((), "deliver"),
    (("confirm",), "deliver"),
    (("confirm", "ship"), "cancel"),
    (("confirm", "ship"), "ship"),
    (("confirm", "ship", "deliver"), "cancel"),
    (("confirm", "ship", "deliver"), "deliver"),
    (("reject",), "cancel"),
    (("cancel",), "ship"),
    (("cancel",), "cancel"),
]
EVERY = pytest.mark.parametrize("verb", AFTER)


class Life:
    """Takes orders of Alice's through their life: customer, operator and Users in one."""

    def __init__(self, alice: Platform, oscar: Platform, credit: Credit) -> None:
        self._alice = alice
        self._oscar = oscar
        self._credit = credit

    async def order(self, *steps: str) -> pb.Order:
        """An order after these steps."""
        order = await self._alice.orders.CreateOrder(order_of(("book", 1)))
        for step in steps:
            if step == "confirm":
                await self._credit.reserved(order)
            elif step == "reject":
                await self._credit.denied(order, "too dear")
            else:
                await self.command(step, name=order.name)
        return await self._oscar.orders.GetOrder(pb.GetOrderRequest(name=order.name))

    async def command(self, verb: str, **fields: str) -> pb.Order:
        """One command of an operator's."""
        commands: dict[str, Callable[[], Awaitable[pb.Order]]] = {
            "cancel": lambda: self._oscar.orders.CancelOrder(pb.CancelOrderRequest(**fields)),
            "ship": lambda: self._oscar.orders.ShipOrder(pb.ShipOrderRequest(**fields)),
            "deliver": lambda: self._oscar.orders.DeliverOrder(pb.DeliverOrderRequest(**fields)),
        }
        return await commands[verb]()

    async def refusal(self, verb: str, **fields: str) -> CallFailed:
        """Why the command is refused."""
        with pytest.raises(CallFailed) as caught:
            await self.command(verb, **fields)
        return caught.value


@pytest.fixture
def life(alice: Platform, oscar: Platform, pool: asyncpg.Pool, log: OrderLog) -> Life:
    return Life(alice, oscar, Credit(pool, log))


@EVERY
async def test_a_stale_etag_is_aborted_and_the_present_one_is_not(life: Life, verb: str) -> None:
    order = await life.order(*BEFORE[verb])
    stale = await life.refusal(verb, name=order.name, etag="1")
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    assert stale.metadata["etag"] == order.etag
    assert (await life.command(verb, name=order.name, etag=order.etag)).state == AFTER[verb]


@EVERY
async def test_a_command_sent_twice_with_one_request_id_is_one(life: Life, verb: str) -> None:
    order = await life.order(*BEFORE[verb])
    fields = {"name": order.name, "etag": order.etag, "request_id": str(uuid.uuid4())}
    answers = await asyncio.gather(*(life.command(verb, **fields) for _ in range(4)))
    assert {(answer.state, answer.etag) for answer in answers} == {
        (AFTER[verb], str(int(order.etag) + 1))
    }
    other = await life.refusal(verb, **{**fields, "etag": ""})
    assert other.code is grpc.StatusCode.FAILED_PRECONDITION
    assert other.reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(("steps", "verb"), ILLEGAL, ids=lambda one: "-".join([*one]))
async def test_a_transition_that_is_not_drawn_fails_and_changes_nothing(
    life: Life, oscar: Platform, steps: tuple[str, ...], verb: str
) -> None:
    order = await life.order(*steps)
    refusal = await life.refusal(verb, name=order.name)
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.reason == "ILLEGAL_TRANSITION"
    assert await oscar.orders.GetOrder(pb.GetOrderRequest(name=order.name)) == order


async def test_of_two_that_know_the_same_etag_one_is_first(life: Life) -> None:
    order = await life.order("confirm")
    said = await asyncio.gather(
        *(life.command(verb, name=order.name, etag=order.etag) for verb in ("cancel", "ship")),
        return_exceptions=True,
    )
    [won] = [answer for answer in said if isinstance(answer, pb.Order)]
    [lost] = [error for error in said if isinstance(error, CallFailed)]
    assert won.etag == "3"
    assert lost.code is grpc.StatusCode.ABORTED
