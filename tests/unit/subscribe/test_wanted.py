"""What a subscription is allowed to want, and what it wants."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.errors import InvalidArgument, PermissionDenied, Undecodable
from bridge.events.catalog import Catalog
from bridge.kafka.record import Headers
from bridge.server.call import Call, Caller
from bridge.server.methods import methods_of
from bridge.subscribe.seen import Seen
from bridge.subscribe.wanted import Wanted, wanted_of
from causeway.bridge.v1 import event_service_pb2 as pb
from tests.unit.bridge.records import FakeRecord
from tests.unit.subscribe.logged import CATALOG, NOON, ONE, TOPIC, seen

SHIPPED, CONFIRMED = (f"{TOPIC}.{name}" for name in ("OrderShipped", "OrderConfirmed"))
OFFERED = Catalog(
    {
        one.name: replace(one, subscribe_roles=("operator",)) if one.name == SHIPPED else one
        for one in CATALOG
    }
)
METHOD = methods_of("causeway.bridge.v1.EventService")["SubscribeEvents"]
NO_CONTEXT: Any = None


def asked(*roles: str, **fields: Any) -> Wanted:
    caller = Caller("u-1", "causeway-cli", frozenset(roles), 0.0, "")
    request = pb.SubscribeEventsRequest(**{"topics": [TOPIC], **fields})
    return wanted_of(request, OFFERED, Call(METHOD, NO_CONTEXT, None, "request", caller))


def odd(said: Headers, value: bytes = b"") -> Seen:
    return Seen(FakeRecord(TOPIC, 0, 9, b"o1", value, said), CATALOG)


def test_an_auditor_is_not_narrowed() -> None:
    assert asked("auditor") == Wanted((TOPIC,))
    assert asked("auditor", types=[CONFIRMED]).types == frozenset([CONFIRMED])


def test_others_are_narrowed_to_what_their_roles_give() -> None:
    assert asked("operator", "customer").types == frozenset([SHIPPED])
    assert asked("operator", types=[SHIPPED]).types == frozenset([SHIPPED])


@pytest.mark.parametrize(
    ("roles", "fields"),
    [(("operator",), {"types": [SHIPPED, CONFIRMED]}), (("customer",), {}), ((), {})],
)
def test_what_no_role_gives_is_denied_with_the_roles_that_would(
    roles: tuple[str, ...], fields: dict[str, Any]
) -> None:
    with pytest.raises(PermissionDenied) as caught:
        asked(*roles, **fields)
    assert "auditor" in caught.value.metadata["roles"].split(",")


@pytest.mark.parametrize("fields", [{"topics": ["nothing"]}, {"types": ["no.Type"]}])
def test_unknown_names_are_refused_with_those_that_there_are(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        asked("auditor", **fields)
    assert TOPIC in caught.value.message


def test_only_what_is_certainly_not_wanted_is_passed_over() -> None:
    assert asked("auditor").wants(odd([]))
    assert asked("operator").wants(odd([])), "it does not say what it is"
    assert not asked("operator").wants(odd([("ce_type", b"another")]))
    assert not asked("auditor", keys=["o2"]).wants(odd([]))
    assert not asked("auditor", sources=["/elsewhere"]).wants(seen(ONE, 1))
    assert asked("auditor", sources=["/elsewhere"]).wants(odd([]))


def test_a_time_passes_over_what_happened_before() -> None:
    one = seen(ONE, 1)
    assert Wanted((TOPIC,), since=NOON).wants(one)
    assert not Wanted((TOPIC,), since=NOON + timedelta(microseconds=1)).wants(one)
    assert Wanted((TOPIC,), since=NOON).wants(odd([])), "it does not say when"


def test_an_event_is_made_once_for_all() -> None:
    one = seen(ONE, 3, source="/causeway/orders")
    assert one.event() is one.event()
    assert (one.event().partition, one.event().offset, one.event().key) == (0, 3, "o1")


def test_a_record_that_is_no_event_says_its_place_each_time() -> None:
    one = odd([("ce_type", CONFIRMED.encode())], b"what")
    for _ in range(2):
        with pytest.raises(Undecodable) as caught:
            one.event()
        place = {"topic": TOPIC, "partition": "0", "offset": "9"}
        assert caught.value.metadata == place
