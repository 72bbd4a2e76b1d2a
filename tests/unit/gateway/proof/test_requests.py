"""Every request of the matrix fails where it is read, so no run of it changes anything."""

import importlib
import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import protovalidate
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

from gateway.descriptors import DESCRIPTORS
from gateway.proof.requests import UNREADABLE, Wire, broken_rest_call
from gateway.proof.surface import Binding, Rpc, Surface, surface
from gateway.proof.templates import variables

PROMISE = surface(DESCRIPTORS.read_bytes())
BINDINGS = [(rpc, binding) for rpc in PROMISE.rpcs for binding in rpc.bindings]
MODULES = (
    "causeway.bridge.v1.event_service_pb2",
    "causeway.bridge.v1.operations_service_pb2",
    "causeway.notifications.v1.notification_service_pb2",
    "causeway.orders.v1.order_service_pb2",
    "causeway.users.v1.user_service_pb2",
)


def message_of(rpc: Rpc) -> Any:
    for name in MODULES:
        importlib.import_module(name)
    found = descriptor_pool.Default().FindMessageTypeByName(rpc.request)
    return message_factory.GetMessageClass(found)


def transcoded(rpc: Rpc, binding: Binding, wire: Wire) -> Any:
    """What the transcoder makes of the call: body, then query, then the path's variables."""
    url = urlsplit(wire.path)
    body = json.loads(wire.body or b"{}")
    told: dict[str, Any] = body if binding.body in ("", "*") else {binding.body: body}
    fields = [*parse_qsl(url.query), *in_path(binding, url.path)]
    for path, value in fields:
        *outer, last = path.split(".")
        target = told
        for part in outer:
            target = target.setdefault(part, {})
        target[last] = value
    return json_format.ParseDict(told, message_of(rpc)())


def in_path(binding: Binding, path: str) -> list[tuple[str, str]]:
    found = []
    for name, shape in variables(binding.template):
        collection = shape.removesuffix("/*")
        segment = unquote(path.split(f"{collection}/")[1]).split("/")[0].rpartition(":")
        found.append((name, f"{collection}/{segment[0] or segment[2]}"))
    return found


@pytest.mark.parametrize(
    ("rpc", "binding"), BINDINGS, ids=lambda one: getattr(one, "template", None) or one.name
)
def test_a_rest_call_breaks_a_rule_of_its_message(rpc: Rpc, binding: Binding) -> None:
    wire = broken_rest_call(PROMISE, rpc, binding)
    violations = protovalidate.collect_violations(transcoded(rpc, binding, wire))
    assert bool(violations) == wire.invalid
    assert wire.invalid or rpc.safe


def test_a_call_that_can_not_fail_is_left_out_unless_it_is_a_read(promise: Surface) -> None:
    valid = {rpc.name for rpc, b in BINDINGS if not broken_rest_call(promise, rpc, b).invalid}
    assert valid == {"OperationsService/DescribeCluster", "NotificationService/GetPreferences"}


def test_no_message_at_all_reads_the_bytes_that_are_sent_over_grpc() -> None:
    for rpc in PROMISE.rpcs:
        with pytest.raises(DecodeError):
            message_of(rpc).FromString(UNREADABLE)
