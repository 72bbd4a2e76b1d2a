"""What is sent to a method: messages that keep the rules, that keep none, and broken bytes."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.api import resource_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from causeway.bridge.v1 import operations_service_pb2 as operations
from causeway.bridge.v1.event_pb2 import Event
from causeway.inventory.v1.events_pb2 import StockAdjusted
from tests.fuzz import values
from tests.fuzz.damage import damaged
from tests.fuzz.messages import wild
from tests.fuzz.stage import SKUS, Stage
from tests.fuzz.surface import Method
from tests.fuzz.valid import UNSET, Hints, valid


@dataclass(frozen=True, slots=True)
class Sent:
    """The bytes of one call's messages; told shortly, as the command that repeats them is whole."""

    messages: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"{len(self.messages)} messages of {[len(one) for one in self.messages]} bytes"


NO_GROUP = "causeway.nobody.nothing"
REQUEST_IDS = tuple(str(uuid.uuid5(uuid.NAMESPACE_URL, f"fuzz-{n}")) for n in range(3))
"""Met again with another body, which is FAILED_PRECONDITION; a stage's callers are its own."""


def requests(method: Method, stage: Stage) -> SearchStrategy[Sent]:
    """The messages of one call: one, or a few for a stream."""
    one = request(method, hints(stage))
    several = st.lists(one, max_size=4) if method.client_streams else st.tuples(one)
    return several.map(lambda raw: Sent(tuple(raw)))


def request(method: Method, known: Hints) -> SearchStrategy[bytes]:
    """Half of them keep the rules, a quarter keeps none, a quarter is broken."""
    whole = valid(method.request, known).map(harmless)
    breakable = valid(method.request, known).map(harmless_when_broken)
    anything = wild(method.request)
    return st.one_of(
        serialized(whole),
        serialized(whole),
        serialized(anything),
        damaged(serialized(st.one_of(breakable, anything)), method.request),
    )


def serialized(messages: SearchStrategy[Message]) -> SearchStrategy[bytes]:
    """As they go over the wire."""
    return messages.map(lambda message: message.SerializeToString())


def harmless(message: Message) -> Message:
    """A replay of a group that exists is only counted."""
    if isinstance(message, operations.ReplayEventsRequest):
        message.dry_run = message.replay.group != NO_GROUP
    return message


def harmless_when_broken(message: Message) -> Message:
    """A turned bit may take `dry_run` away: such a message names no group that exists."""
    if isinstance(message, operations.ReplayEventsRequest):
        message.replay.group = NO_GROUP
    return message


def hints(stage: Stage) -> Hints:
    """What exists, by the fields that name it."""
    of_type = {kind: _one_of(names, f"{names[0]}0") for kind, names in stage.names.items() if names}
    return {
        **_by_resource(of_type),
        **_texts(stage),
        **_filters(),
        "causeway.orders.v1.Order.Item.sku": _one_of(SKUS[:4], "no-such-sku"),
        "causeway.orders.v1.Order.items": _items(),
        **_events(),
        **_subscriptions(),
        "causeway.bridge.v1.Replay.types": UNSET,
        "causeway.bridge.v1.Replay.effects": UNSET,
        "causeway.bridge.v1.Replay.group": _one_of(stage.groups, NO_GROUP),
        "causeway.users.v1.RegisterUserRequest.username": st.from_regex(
            r"zz-fuzz-[a-z0-9._-]{1,40}[a-z0-9]", fullmatch=True
        ),
        # The caller itself; where a user is changed the victim is named, never a caller.
        "causeway.users.v1.GetUserRequest.name": st.one_of(
            st.just("users/me"), of_type["causeway/User"]
        ),
    }


def _one_of(known: tuple[str, ...], unknown: str) -> SearchStrategy[str]:
    return st.sampled_from((*known, unknown))


def _by_resource(of_type: Mapping[str, SearchStrategy[str]]) -> dict[str, SearchStrategy[Any]]:
    """Fields that refer to a resource, and the names of resources themselves."""
    from tests.fuzz.surface import surface

    found: dict[str, SearchStrategy[Any]] = {}
    for kind in (method.request for method in surface()):
        for message in (kind, *(f.message_type for f in kind.fields if f.message_type)):
            found |= _named(message, of_type)
    return found


def _named(
    message: Descriptor, of_type: Mapping[str, SearchStrategy[str]]
) -> dict[str, SearchStrategy[Any]]:
    own = message.GetOptions().Extensions[resource_pb2.resource].type
    found = {}
    for field in message.fields:
        reference = field.GetOptions().Extensions[resource_pb2.resource_reference].type
        kind = reference or (own if field.name == "name" else "")
        if kind in of_type:
            found[field.full_name] = of_type[kind]
    return found


def _texts(stage: Stage) -> dict[str, SearchStrategy[Any]]:
    """Fields of the same name everywhere: tokens, etags, ids of requests."""
    from tests.fuzz.surface import surface

    tokens = st.one_of(st.just(""), st.just(""), st.sampled_from((*stage.tokens, "x")), values.text)
    common = {
        "page_token": tokens.map(lambda text: text[:1024]),
        "resume_token": tokens.map(lambda text: text[:1024]),
        "etag": st.sampled_from(("", "", "1", "2", "x")),
        "request_id": st.one_of(st.sampled_from(("", *REQUEST_IDS)), st.uuids().map(str)),
        "source": st.sampled_from(("/causeway/orders", "/causeway/users", "/elsewhere")),
        "subject": st.sampled_from(("", *stage.names["causeway/Order"])),
    }
    kinds = [method.request for method in surface()]
    kinds += [f.message_type for kind in kinds for f in kind.fields if f.message_type]
    return {f.full_name: common[f.name] for kind in kinds for f in kind.fields if f.name in common}


def _filters() -> dict[str, SearchStrategy[Any]]:
    """Dead letters of nobody: those of another test may wait while this one runs."""
    filter_ = "causeway.bridge.v1.DeadLetterFilter"
    nobodys = st.sampled_from((NO_GROUP, "zz-fuzz", "x"))
    names = st.integers(10**15, 10**17).map(lambda n: f"deadLetters/orders-{n}")
    others = {f"{filter_}.{name}": nobodys for name in ("group", "key", "type", "reason")}
    return {**others, f"{filter_}.names": names}


def _items() -> SearchStrategy[Any]:
    from causeway.orders.v1.order_service_pb2 import Order

    return st.builds(
        Order.Item, sku=_one_of(SKUS[:4], "no-such-sku"), quantity=st.integers(1, 10_000)
    )


def _events() -> dict[str, SearchStrategy[Any]]:
    """Events from outside, of which some may be published."""
    stock = StockAdjusted.DESCRIPTOR.full_name
    event = st.builds(
        Event,
        name=st.sampled_from(("events/fuzz-1", "events/fuzz-2", "events/fuzz-3", "")),
        type=st.sampled_from((stock, stock, "", "causeway.orders.v1.OrderCreated")),
        source=st.sampled_from(("/elsewhere", "/elsewhere", "/causeway/orders")),
        data=_stock(),
    )
    kinds = ("PublishEventRequest", "PublishEventsRequest")
    return {f"causeway.bridge.v1.{kind}.event": event for kind in kinds}


def _subscriptions() -> dict[str, SearchStrategy[Any]]:
    """Topics that there are, and of their events all, or those that there are none of."""
    kind = "causeway.bridge.v1.SubscribeEventsRequest"
    topics = st.sampled_from(("causeway.orders.v1", "causeway.inventory.v1", "no.such.topic"))
    nobodys = {f"{kind}.{name}": st.sampled_from(("x", "/zz-fuzz")) for name in ("keys", "sources")}
    return {f"{kind}.topics": topics, f"{kind}.types": UNSET, **nobodys}


def _stock() -> SearchStrategy[AnyMessage]:
    adjusted = st.builds(
        StockAdjusted,
        sku=st.sampled_from(SKUS),
        delta=st.integers(-1000, 1000).filter(bool),
        reason=st.sampled_from(("", "count")),
    )
    return adjusted.map(_packed)


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
