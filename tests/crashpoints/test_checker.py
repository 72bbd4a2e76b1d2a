"""The checker sees what it is there for: in evidence that was altered, and in a run with bugs."""

import copy
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from google.type.money_pb2 import Money

from causeway.inventory.v1.events_pb2 import StockAdjusted
from causeway.notifications.v1.events_pb2 import NotificationSent
from causeway.orders.v1.events_pb2 import OrderConfirmed, OrderCreated
from causeway.users.v1.events_pb2 import CreditLimitSet, CreditReserved, UserRegistered
from tests.crashpoints.checker import violations
from tests.crashpoints.corner import Corner
from tests.crashpoints.customer import Customer, Placed, State
from tests.crashpoints.evidence import Account, Evidence, Product, Stored, gathered
from tests.crashpoints.run import carry_out
from tests.crashpoints.trigger import Aim

TOTAL = Money(currency_code="EUR", units=40)
NANOS = 40 * 10**9
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANN = Customer(
    "ann",
    "u1",
    [Placed("orders/o1", NANOS, State.STATE_CONFIRMED, True)],
    limits=[50 * 10**9],
    prices=[NANOS, 2 * NANOS],
    published=[("e8", 10), ("e9", -3)],
    read=[("notifications/n1", NOON)] * 2,
    replays=["replays/r1", "replays/r2"],
)
ACCOUNT = Account(50 * 10**9, NANOS, False, ANN.last_address, (False, ANN.last_address))
PRODUCT = Product(2, 2 * NANOS, 7)
TOLD = {"e1": "users/u1", "e3": "users/u1", "e4": "users/u1"}


def sent() -> list[Stored]:
    """What Notifications says of each event, on both channels."""
    return [
        Stored(
            f"notifications/{channel}-{cause}",
            1,
            f"n-{channel}-{cause}",
            NotificationSent(recipient=user, cause_event_id=cause, channel=channel),
        )
        for cause, user in TOLD.items()
        for channel in ("email", "webhook")
    ]


def kept() -> Evidence:
    """One customer with one confirmed order, and everything as it should be."""
    told = sent()
    registered = UserRegistered(user_id="u1", username="ann")
    reserved = CreditReserved(user_id="u1", order="orders/o1", amount=TOTAL)
    created = OrderCreated(order_id="o1", customer="users/u1", total=TOTAL)
    limited = CreditLimitSet(user_id="u1", credit_limit=Money(currency_code="EUR", units=50))
    confirmed = OrderConfirmed(order_id="o1", customer="users/u1", total=TOTAL)
    return Evidence(
        events={
            "users": [
                Stored("users/u1", 1, "e1", registered),
                Stored("users/u1", 2, "e2", reserved),
                Stored("users/u1", 3, "e5", limited),
            ],
            "orders": [
                Stored("orders/o1", 1, "e3", created),
                Stored("orders/o1", 2, "e4", confirmed),
            ],
            "notifications": told,
            "bridge": [
                Stored("inventory/ann", 1, "e8", StockAdjusted(sku="ann", delta=10)),
                Stored("inventory/ann", 2, "e9", StockAdjusted(sku="ann", delta=-3)),
            ],
        },
        states={"orders/o1": State.STATE_CONFIRMED},
        accounts={"u1": ACCOUNT},
        names={"ann"},
        products={"ann": PRODUCT},
        adjusted=["e8", "e9"],
        read={"notifications/n1": NOON},
        replays={"replays/r1": ("succeeded", 4), "replays/r2": ("cancelled", 0)},
        mails=[(f"{cause}@causeway.example", "ann@example.org") for cause in TOLD],
        posts=[(cause, "ann") for cause in TOLD],
        records={
            "users/u1": [1, 2, 3],
            "orders/o1": [1, 2],
            "inventory/ann": [1, 2],
            **{one.stream: [1] for one in told},
        },
        rest={"users parked": 0},
    )


def doubled(found: Evidence) -> None:
    first = found.events["notifications"][0]
    found.events["notifications"].append(replace(first, version=2))
    found.records[first.stream] = [1, 2]


def overspent(found: Evidence) -> None:
    found.accounts["u1"] = replace(ACCOUNT, limit=NANOS - 1)


def placed_twice(found: Evidence) -> None:
    again = Stored("orders/o2", 1, "e6", found.events["orders"][0].message)
    found.events["orders"].append(again)


def set_twice(found: Evidence) -> None:
    limited = found.events["users"][-1]
    found.events["users"].append(replace(limited, version=4, id="e7"))
    found.records["users/u1"].append(4)


def registered_late(found: Evidence) -> None:
    message = UserRegistered(user_id="u2", username="no-ann")
    found.events["users"].append(Stored("users/u2", 1, "e7", message))


def published_by_nobody(found: Evidence) -> None:
    message = StockAdjusted(sku="bob", delta=1)
    found.events["bridge"].append(Stored("inventory/bob", 1, "e10", message))


def test_nothing_is_said_where_everything_is_kept() -> None:
    assert violations(kept(), [ANN]) == []


def test_a_mail_that_comes_twice_is_one() -> None:
    found = kept()
    found.mails *= 2
    found.posts *= 2
    assert violations(found, [ANN]) == []


@pytest.mark.parametrize(("alter", "says"), [
    (lambda e: e.rest.update({"users parked": 1}), "1 wait in users parked"),
    (lambda e: e.states.update({"orders/o1": State.STATE_PENDING}), "is STATE_PENDING"),
    (lambda e: e.states.clear(), "is missing"),
    (placed_twice, "placed 1 orders, there are 2"),
    (lambda e: e.accounts.update(u1=replace(ACCOUNT, reserved=0)), "has 0 reserved"),
    (lambda e: e.accounts.update(u1=replace(ACCOUNT, active=True)), "is (True, "),
    (lambda e: e.accounts.update(u1=replace(ACCOUNT, identity=None)), "None in Keycloak"),
    (lambda e: e.accounts.clear(), "is not there"),
    (lambda e: e.names.add("no-ann"), "no-ann is in Keycloak and is no customer"),
    (registered_late, "no-ann is in Users and is no customer"),
    (overspent, "left 0..39999999999"),
    (lambda e: e.events["orders"].pop(0), "has the versions [2]"),
    (lambda e: e.records.update({"users/u1": [2, 1, 3]}), "[2, 1, 3] on Kafka"),
    (lambda e: e.records.update({"inventory/ann": [2, 1]}), "[2, 1] on Kafka"),
    (doubled, "said to be sent 2 times"),
    (lambda e: e.events["notifications"].pop(), "nothing says"),
    (lambda e: e.mails.pop(), "never came"),
    (lambda e: e.posts.pop(), "the post of event"),
    (lambda e: e.posts.append((str(uuid.uuid4()), "ann")), "has the id"),
    (set_twice, "its events say [50000000000, 50000000000]"),
    (lambda e: e.accounts.update(u1=replace(ACCOUNT, limit=60 * 10**9)), "and has 60000000000"),
    (lambda e: e.products.update(ann=replace(PRODUCT, version=3)), "at version 3"),
    (lambda e: e.products.update(ann=replace(PRODUCT, price=NANOS)), "has 40000000000 at version"),
    (lambda e: e.products.update(ann=replace(PRODUCT, pieces=17)), "has 17 in stock, not 7"),
    (lambda e: e.products.clear(), "was made and is not there"),
    (lambda e: e.events["bridge"].reverse(), "was told ['e8', 'e9'], and has ['e9', 'e8']"),
    (lambda e: e.events["bridge"].pop(), "was told ['e8', 'e9'], and has ['e8']"),
    (published_by_nobody, "inventory/bob was told by nobody"),
    (lambda e: e.adjusted.pop(), "event e9 about inventory/ann was never counted"),
    (lambda e: e.read.update({"notifications/n1": NOON.replace(hour=13)}), "was read at"),
    (lambda e: e.read.clear(), "is read since None"),
    (lambda e: e.read.update({"notifications/n2": NOON}), "nobody read it"),
    (lambda e: e.replays.pop("replays/r1"), "replays/r1 is not there"),
    (lambda e: e.replays.update({"replays/r3": ("succeeded", 4)}), "asked for by nobody"),
    (lambda e: e.replays.update({"replays/r2": ("failed", 0)}), "replays/r2 is failed"),
    (lambda e: e.replays.update({"replays/r1": ("succeeded", 0)}), "met no event"),
    (lambda e: e.mails.append((str(uuid.uuid4()), "ann@example.org")), "has the Message-ID"),
])  # fmt: skip
def test_each_broken_promise_is_named(alter: Callable[[Evidence], object], says: str) -> None:
    found = copy.deepcopy(kept())
    alter(found)
    assert any(says in one for one in violations(found, [ANN]))


async def test_a_crash_brings_planted_bugs_to_light(corner: Corner) -> None:
    worker = "notifications-worker"
    aims = [Aim(f"{worker}.smtp.send.after"), Aim(f"{worker}.sender.attempt.commit.after")]
    told = await carry_out(corner, aims, notifications_worker="fresh_message_id outcome_apart")
    found = violations(await gathered(corner), told.customers)
    assert Counter(told.crashed) == Counter(aim.point for aim in aims)
    assert any("has the Message-ID" in one for one in found)
    assert any("said to be sent 2 times" in one for one in found)
