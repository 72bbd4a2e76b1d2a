"""Streams over gRPC and REST."""

import json
import time
from dataclasses import replace
from typing import Any

import grpc
import httpx
import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from grpc_reflection.v1alpha import reflection_pb2

from causeway.bridge.v1.event_service_pb2 import PublishEventsRequest, PublishEventsResponse
from causeway.orders.v1.order_service_pb2 import WatchOrderRequest, WatchOrderResponse
from gateway.envoy.edge import Edge
from tests.integration.edge.bench import Running, code_of
from tests.integration.edge.conftest import Start
from tests.integration.edge.issuer import Issuer

WATCH = "/causeway.orders.v1.OrderService/WatchOrder"
PUBLISH = "/causeway.bridge.v1.EventService/PublishEvents"


def metadata(token: str) -> tuple[tuple[str, str]]:
    return (("authorization", f"Bearer {token}"),)


def test_a_stream_over_grpc(edge: Running, operator: str) -> None:
    with edge.channel() as channel:
        watch = channel.unary_stream(
            WATCH, WatchOrderRequest.SerializeToString, WatchOrderResponse.FromString
        )
        answers = watch(WatchOrderRequest(name="orders/7"), metadata=metadata(operator), timeout=10)
        assert [answer.order.etag for answer in answers] == ["0", "1", "2"]


def lines(edge: Running, token: str, path: str, accept: str = "") -> tuple[str, list[Any]]:
    """Content type, and each line with the moment of its arrival."""
    headers = {"authorization": f"Bearer {token}", **({"accept": accept} if accept else {})}
    with (
        httpx.Client(timeout=10) as client,
        client.stream("GET", edge.url + path, headers=headers) as answer,
    ):
        found = [(time.monotonic(), line) for line in answer.iter_lines() if line]
        return answer.headers["content-type"], found


def test_a_stream_over_rest_is_a_line_of_json_each(edge: Running, operator: str) -> None:
    kind, found = lines(edge, operator, "/v1/orders/7:watch")
    assert kind == "application/json"
    assert [json.loads(line)["order"]["etag"] for _, line in found] == ["0", "1", "2"]
    # Not held back until the end: the backend waits 0.1 s between two.
    assert found[-1][0] - found[0][0] > 0.15


def test_an_event_source_gets_server_sent_events(edge: Running, operator: str) -> None:
    kind, found = lines(edge, operator, "/v1/orders/7:watch", "text/event-stream")
    assert kind == "text/event-stream"
    assert all(line.startswith("data: ") for _, line in found)
    assert [json.loads(line[6:])["order"]["etag"] for _, line in found] == ["0", "1", "2"]


def test_an_error_before_the_first_message_is_a_status(edge: Running, operator: str) -> None:
    for accept in ("application/json", "text/event-stream"):
        headers = {"accept": accept}
        answer = edge.rest("GET", "/v1/orders/missing:watch", operator, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, 5)


def test_an_event_source_needs_a_token_too(edge: Running) -> None:
    headers = {"accept": "text/event-stream"}
    assert edge.rest("GET", "/v1/orders/7:watch", headers=headers).status_code == 401
    assert edge.rest("GET", "/v1/nothing", headers=headers).status_code == 401


def talk(edge: Running, token: str) -> list[int]:
    """A dialogue: each request waits for the answer to the one before."""
    with edge.channel() as channel:
        publish = channel.stream_stream(
            PUBLISH, PublishEventsRequest.SerializeToString, PublishEventsResponse.FromString
        )
        seen: list[int] = []

        def requests() -> Any:
            for number in (1, 2, 3):
                yield PublishEventsRequest(sequence=number)
                while len(seen) < number:
                    time.sleep(0.01)

        for answer in publish(requests(), metadata=metadata(token), timeout=3):
            seen.append(answer.up_to)  # noqa: PERF401 (the requests wait for it)
        return seen


def test_a_dialogue_is_not_held_back(edge: Running, issuer: Issuer) -> None:
    assert talk(edge, issuer.token("publisher")) == [1, 2, 3]


def test_a_dialogue_hangs_in_the_buffer_without_its_exception(start: Start, issuer: Issuer) -> None:
    def buffered(edge: Edge) -> Edge:
        routes = RouteConfiguration()
        routes.CopyFrom(edge.routes)
        for route in routes.virtual_hosts[0].routes:
            if route.match.path == PUBLISH:
                route.typed_per_filter_config.clear()
        return replace(edge, routes=routes)

    edge = start(buffered)
    with pytest.raises(grpc.RpcError) as caught:
        talk(edge, issuer.token("publisher"))
    assert code_of(caught.value) is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_stream_ends_with_the_life_of_a_token(start: Start, operator: str) -> None:
    def short(edge: Edge) -> Edge:
        routes = RouteConfiguration()
        routes.CopyFrom(edge.routes)
        for route in routes.virtual_hosts[0].routes:
            assert route.route.timeout.ToSeconds() < 300
            if route.match.path == WATCH:
                longest = route.route.max_stream_duration
                for limit in (longest.max_stream_duration, longest.grpc_timeout_header_max):
                    assert limit.ToSeconds() == 305  # the life of a token; the service ends it
                    limit.FromSeconds(1)
        return replace(edge, routes=routes)

    begun = time.monotonic()
    with start(short).channel() as channel:
        watch = channel.unary_stream(
            WATCH, WatchOrderRequest.SerializeToString, WatchOrderResponse.FromString
        )
        answers = watch(
            WatchOrderRequest(name="orders/forever"), metadata=metadata(operator), timeout=60
        )
        with pytest.raises(grpc.RpcError):
            list(answers)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("version", ["v1alpha", "v1"])
def test_reflection_is_routed_and_not_held_back(edge: Running, customer: str, version: str) -> None:
    with edge.channel() as channel:
        ask = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = ask(iter([request]), metadata=metadata(customer), timeout=5)
        names = {service.name for service in next(answers).list_services_response.service}
        assert "causeway.orders.v1.OrderService" in names


def test_reflection_may_be_kept_for_a_role(start: Start, issuer: Issuer) -> None:
    path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    edge = start(reflection_roles=("operator",))
    assert edge.grpc(path, token=issuer.token("customer")).code is grpc.StatusCode.PERMISSION_DENIED
    assert edge.grpc(path).code is grpc.StatusCode.UNAUTHENTICATED
