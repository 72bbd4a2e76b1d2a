"""The bridge explains itself at the edge: what became of an order, and of an event that failed."""

import json
import os
import uuid
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from keycloak import KeycloakAdmin

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from causeway.orders.v1 import events_pb2 as orders
from tests.e2e.conftest import Customer, bearer, eventually, password_grant
from tests.integration.bridge.parts import until
from tests.platform import Platform

CREATED = "causeway.orders.v1.OrderCreated"
GROUP = "causeway.users.credit"


@pytest.fixture
def auditor(causeway: Platform) -> str:
    return password_grant(causeway, "ada", "causeway-ada")


def ordered(rest: httpx.Client, headers: dict[str, str]) -> str:
    answer = rest.post(
        "/v1/orders", json={"items": [{"sku": "book", "quantity": 1}]}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    name: str = answer.json()["name"]
    return name


def first_event(rest: httpx.Client, token: str, order: str) -> dict[str, Any]:
    """The event of the order's creation, by the list of its events."""
    answer = rest.get("/v1/events", params={"subject": order}, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    event: dict[str, Any] = answer.json()["events"][0]
    return event


def types_of(trace: dict[str, Any]) -> set[str]:
    """The short types of all events in a tree."""
    below = (types_of(child) for child in trace["caused"])
    return {trace["event"]["type"].rpartition(".")[2]}.union(*below)


def test_an_order_is_traced_over_rest_to_its_mail(
    rest: httpx.Client, customer: Customer, auditor: str
) -> None:
    event = first_event(rest, auditor, ordered(rest, customer.headers))
    assert event["type"] == CREATED
    assert event["data"]["@type"] == f"type.googleapis.com/{CREATED}"
    assert event["data"]["customer"] == customer.name

    def traced() -> dict[str, Any]:
        answer = rest.get(f"/v1/{event['name']}:trace", headers=bearer(auditor))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    whole = {"OrderCreated", "CreditReserved", "OrderConfirmed", "NotificationSent"}
    eventually(lambda: types_of(traced()) == whole, f"a trace with {whole}")
    trace = traced()
    assert trace["actor"] == customer.name
    assert trace["client"] == "causeway-cli"
    assert trace["method"] == "/causeway.orders.v1.OrderService/CreateOrder"
    assert trace["event"]["topic"] == "causeway.orders.v1"
    assert int(trace["event"]["offset"]) >= 0
    assert {one["group"]: one["state"] for one in trace["outcomes"]} == {
        "causeway.notifications.orders": "STATE_HANDLED",
        GROUP: "STATE_HANDLED",
    }
    assert [one["state"] for one in trace["deliveries"]] == ["STATE_SENT"]


async def test_events_of_all_services_are_paged_over_grpc_in_the_order_of_time(
    rest: httpx.Client, customer: Customer, auditor: str, channel: grpc.aio.Channel
) -> None:
    order = ordered(rest, customer.headers)
    created = first_event(rest, auditor, order)
    stub = EventServiceStub(channel)
    metadata = (("authorization", f"Bearer {auditor}"),)

    async def listed() -> list[Any]:
        found: list[Any] = []
        token = ""
        while True:
            request = pb.ListEventsRequest(
                page_size=1, page_token=token, correlation=created["correlation"]
            )
            answer = await stub.ListEvents(request, metadata=metadata)
            found += answer.events
            token = answer.next_page_token
            if not token:
                return found

    wanted = {"/causeway/orders", "/causeway/users", "/causeway/notifications"}

    async def whole() -> bool:
        return {event.source for event in await listed()} == wanted

    await until(whole, 20)
    events = await listed()
    times = [event.time.ToNanoseconds() for event in events]
    assert times == sorted(times)
    unpacked = orders.OrderCreated()
    assert events[0].data.Unpack(unpacked)
    assert f"orders/{unpacked.order_id}" == order


@pytest.mark.parametrize("path", ["/v1/events", "/v1/deadLetters", "/v1/replays"])
def test_a_customer_may_not_look(rest: httpx.Client, customer: Customer, path: str) -> None:
    assert rest.get(path, headers=customer.headers).status_code == 403


@pytest.fixture
def stranger(causeway: Platform) -> str:
    """The token of a customer that Keycloak knows and Users does not."""
    admin = KeycloakAdmin(
        server_url=causeway["CAUSEWAY_KEYCLOAK"],
        username="admin",
        password=os.environ["CAUSEWAY_TEST_KEYCLOAK_PASSWORD"],
        realm_name="master",
        user_realm_name="master",
    )
    admin.change_current_realm("causeway")
    username, password = f"t-{uuid.uuid4().hex[:12]}", "correct-horse-battery"
    user = admin.create_user(
        {
            "username": username,
            "email": f"{username}@example.com",
            "emailVerified": True,
            "enabled": True,
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
    )
    admin.assign_realm_roles(user, [admin.get_realm_role("customer")])
    return password_grant(causeway, username, password)


def test_an_event_that_can_not_be_handled_is_shown_warned_of_and_given_up(
    causeway: Platform, rest: httpx.Client, stranger: str, auditor: str
) -> None:
    order = ordered(rest, bearer(stranger))
    key = order.removeprefix("orders/")

    def letters() -> list[dict[str, Any]]:
        answer = causeway.causeway("deadletters", "list", "--key", key, "--json")
        assert answer.returncode == 0, answer.stderr
        found: list[dict[str, Any]] = json.loads(answer.stdout)
        return found

    eventually(lambda: GROUP in {one["group"] for one in letters()}, "a dead letter", 40)
    [letter] = [one for one in letters() if one["group"] == GROUP]
    assert letter["reason"] == "USER_UNKNOWN"
    assert letter["event"]["data"]["orderId"] == key
    assert GROUP in {one["group"] for one in causeway.status()["waiting"]}
    event = first_event(rest, auditor, order)["name"]
    assert "✗ causeway.users.credit" in causeway.causeway("events", "trace", event).stdout

    name = letter["name"].removeprefix("deadLetters/")
    again = causeway.causeway("deadletters", "redrive", name)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("1 event ")
    gone = causeway.causeway("deadletters", "discard", "--key", key, "--yes")
    assert gone.returncode == 0, gone.stderr
    eventually(lambda: not letters(), "no dead letter of the order")
    told = causeway.causeway("events", "trace", event, "--json")
    states = {one["group"]: one["state"] for one in json.loads(told.stdout)["outcomes"]}
    assert states[GROUP] == "STATE_DISCARDED"


def test_a_replay_is_planned_followed_and_told_in_the_trace(
    causeway: Platform,
    rest: httpx.Client,
    customer: Customer,
    auditor: str,
    order_state: Callable[[str, dict[str, str]], str],
) -> None:
    order = ordered(rest, customer.headers)
    eventually(
        lambda: order_state(order, customer.headers) == "STATE_CONFIRMED", "the confirmation"
    )
    event = first_event(rest, auditor, order)["name"]
    words = ("replay", "start", "redeliver", "--group", "causeway.notifications.orders",
             "--subject", order, "--type", "OrderCreated")  # fmt: skip
    planned = causeway.causeway(*words, "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["eventsTotal"] == "1"
    done = causeway.causeway(*words, "--json")
    assert done.returncode == 0, done.stderr
    replay = json.loads(done.stdout)
    assert (replay["state"], replay["eventsDone"]) == ("STATE_SUCCEEDED", "1")
    trace = json.loads(causeway.causeway("events", "trace", event, "--json").stdout)
    assert replay["name"] in {one["replay"] for one in trace["outcomes"]}
    # No effect was named: the mail was sent once.
    assert len(trace["deliveries"]) == 1
