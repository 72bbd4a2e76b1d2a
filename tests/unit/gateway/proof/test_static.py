"""The static proof on the committed configuration: green as it is, red for each hole in it."""

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.deployments import container
from gateway.proof.configuration import Configuration, from_files
from gateway.proof.deployed import Deployed
from gateway.proof.principals import wanted
from gateway.proof.static_chain import check
from gateway.proof.static_roles import wrongly
from gateway.proof.surface import Surface
from tests.unit.gateway.proof.parts import SHIP, host, manager, policies, provider, route
from tests.unit.gateway.proof.ways_round import ROUND

FOLDER = Path(__file__).parents[4] / "envoy/generated"


@pytest.fixture
def committed() -> Configuration:
    return from_files(FOLDER, "envoy/generated")


def findings(configuration: Configuration, promise: Surface) -> list[str]:
    return [str(found) for found in check(configuration, Deployed(promise, container()))]


def test_the_committed_configuration_is_what_the_protos_say(
    committed: Configuration, promise: Surface
) -> None:
    assert findings(committed, promise) == []


def another_binding(configuration: Configuration) -> None:
    transcoder = configuration.filters["transcoder"]
    files = FileDescriptorSet.FromString(base64.b64decode(transcoder["proto_descriptor_bin"]))
    methods = (m for f in files.file for s in f.service for m in s.method)
    ship = next(m for m in methods if m.name == "ShipOrder")
    ship.options.Extensions[annotations_pb2.http].additional_bindings.add(get="/v1/ship/{name=**}")
    transcoder["proto_descriptor_bin"] = base64.b64encode(files.SerializeToString()).decode()


def another_field(configuration: Configuration) -> None:
    transcoder = configuration.filters["transcoder"]
    files = FileDescriptorSet.FromString(base64.b64decode(transcoder["proto_descriptor_bin"]))
    messages = (message for file in files.file for message in file.message_type)
    order = next(one for one in messages if one.name == "ShipOrderRequest")
    order.field.add(name="more", number=99, type=9, label=1)
    transcoder["proto_descriptor_bin"] = base64.b64encode(files.SerializeToString()).decode()


def test_the_rules_that_it_asks_for_let_in_whom_the_protos_name(promise: Surface) -> None:
    deployed = Deployed(promise, container())
    for rpc in deployed.rpcs:
        assert list(wrongly(rpc, wanted(rpc, deployed), deployed)) == []


def swap(configuration: Configuration) -> None:
    chain = manager(configuration)["http_filters"]
    names = [one["name"] for one in chain]
    one, two = names.index("transcoder"), names.index("authorization")
    chain[one], chain[two] = chain[two], chain[one]


def requires(configuration: Configuration, **what: Any) -> None:
    configuration.filters["authentication"]["rules"][-1]["requires"] = what


def two_paths(configuration: Configuration) -> None:
    policies(configuration)[SHIP]["permissions"].append({"any": True})


def a_regex(configuration: Configuration) -> None:
    header = policies(configuration)[SHIP]["permissions"][0]["header"]
    header["string_match"] = {"safe_regex": {"regex": "/causeway.*"}}


def per_route(configuration: Configuration, name: str) -> None:
    kind = "type.googleapis.com/envoy.config.route.v3.FilterConfig"
    overrides = route(configuration, SHIP).setdefault("typed_per_filter_config", {})
    overrides[name] = {"@type": kind, "disabled": True}


HOLES: dict[str, tuple[Callable[[Configuration], Any], str]] = {
    "no rule": (lambda c: policies(c).pop(SHIP), "the method has no rule"),
    "any caller": (lambda c: policies(c)[SHIP].update(principals=[{"any": True}]),
                   "lets in customer by causeway-cli"),
    "any path too": (two_paths, "is not for one exact path alone"),
    "a regex of paths": (a_regex, "is not for one exact path alone"),
    "a rule for nothing": (lambda c: policies(c).update(x=policies(c)[SHIP]),
                           "the method has more than one rule"),
    "no rules": (lambda c: c.filters["authorization"].pop("rules"), "lets everybody through"),
    "deny instead of allow": (
        lambda c: c.filters["authorization"]["rules"].update(action="DENY"), "no default deny"),
    "no audience": (lambda c: provider(c).pop("audiences"), "audiences is None"),
    "another issuer": (lambda c: provider(c).update(issuer="http://x"), "issuer is 'http://x'"),
    "a token in the query": (lambda c: provider(c).update(from_params=["t"]), "from_params"),
    "no expiry": (lambda c: provider(c).pop("require_expiration"), "require_expiration"),
    "a long life": (lambda c: provider(c).update(max_lifetime="3600s"),
                    "max_lifetime is '3600s' and not '310s'"),
    "a token may be missing": (lambda c: requires(c, allow_missing={}), "on every path"),
    "or failed": (lambda c: requires(c, allow_missing_or_failed={}), "on every path"),
    "no last rule": (lambda c: c.filters["authentication"]["rules"].pop(), "on every path"),
    "an exception": (
        lambda c: c.filters["authentication"]["rules"].insert(0, {"match": {"prefix": "/v1"}}),
        "prefix /v1 needs no token"),
    "a cookie for a call that changes something": (
        lambda c: c.filters["authentication"]["rules"].insert(0, {
            "match": {"path": "/v1/orders", "headers": [
                {"name": ":method", "string_match": {"exact": "POST"}}]},
            "requires": {"provider_name": "event_source"}}),
        "is not for the GET of one stream"),
    "tokens off on a route": (lambda c: per_route(c, "authentication"), "changes the filter"),
    "roles off on a route": (lambda c: per_route(c, "authorization"), "changes the filter"),
    "size off on a route": (
        lambda c: route(c, SHIP).update(typed_per_filter_config={"request_size": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
            "disabled": True}}),
        "takes requests of any size"),
    "a prefix route": (
        lambda c: host(c)["routes"].insert(0, {
            "match": {"prefix": "/causeway.orders"}, "route": {"cluster": "orders"}}),
        "lets more through than the methods"),
    "a route elsewhere": (lambda c: route(c, SHIP)["route"].update(cluster="users"),
                          "leads to 'users' and not to 'orders'"),
    "a rewritten path": (lambda c: route(c, SHIP)["route"].update(prefix_rewrite="/x"),
                         "says route.prefix_rewrite"),
    "an identity written in": (
        lambda c: route(c, SHIP).update(request_headers_to_add=[
            {"header": {"key": "authorization", "value": "Bearer x"}}]),
        "writes authorization into requests"),
    "every host": (lambda c: host(c).update(domains=["*"]), "hosts that nobody named"),
    "roles before transcoding": (swap, "in this order"),
    "a filter off": (lambda c: manager(c)["http_filters"][5].update(disabled=True),
                     "says disabled"),
    "paths as they come": (lambda c: manager(c).pop("merge_slashes"), "merge_slashes"),
    "a filter that nobody knows": (
        lambda c: manager(c)["http_filters"].insert(0, {"name": "lua", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}}),
        "which the proof does not know"),
    "one field more": (another_field, "v1.ShipOrderRequest with other fields"),
    "one binding more": (another_binding, "leads to " + SHIP),
    "any gRPC path as REST": (lambda c: c.filters["transcoder"].update(auto_mapping=True),
                              "auto_mapping"),
    "one service more": (lambda c: c.filters["transcoder"]["services"].append("x.Y"),
                         "x.Y is transcoded"),
}  # fmt: skip


ALL = HOLES | ROUND


@pytest.mark.parametrize("hole", ALL)
def test_a_hole_is_found(committed: Configuration, promise: Surface, hole: str) -> None:
    plant, told = ALL[hole]
    holed = copy.deepcopy(committed)
    plant(holed)
    found = findings(holed, promise)
    assert any(told in one for one in found), found
    assert json.dumps(found)
