"""One request is one trace: through the server, the stored event, Kafka's header, the consumer."""

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge import telemetry
from tests import otlp
from tests.unit.server.conftest import Issuer

PASSWORD = "hunter2-in-no-trace"
ROOT = Path(__file__).parents[3]
# A process of its own: OpenTelemetry's provider is set once and for all.
HOPS = """
import asyncio, json, sys, time
import grpc.aio
from bridge import telemetry
from bridge.server.identity import origin_of_call
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceServicer
from causeway.users.v1 import user_service_pb2 as users
from causeway.users.v1.user_service_pb2_grpc import UserServiceServicer

class Orders(OrderServiceServicer):
    async def WatchOrder(self, request, context):
        for number in range(3):
            with telemetry.span("look"):
                yield orders.WatchOrderResponse(resume_token=str(number))

class Users(UserServiceServicer):
    async def RegisterUser(self, request, context):
        self.origin = origin_of_call("r")
        return users.User(name="users/1")

async def main(incoming):
    servicer = Users()
    server = Server({"causeway.users.v1.UserService": servicer,
                     "causeway.orders.v1.OrderService": Orders()}, ServerSettings())
    await server.start("127.0.0.1:0")
    channel = grpc.aio.insecure_channel(
        f"127.0.0.1:{server.port}", interceptors=telemetry.client_interceptors())
    # What a caller without OpenTelemetry sends; with it, the client interceptor does.
    sent = [] if telemetry.client_interceptors() else [("traceparent", incoming)]
    request = users.RegisterUserRequest(
        username="carol", email="c@example.org", password=sys.argv[3])
    with telemetry.span("caller", kind="client", parent=incoming):
        answer = await channel.unary_unary(
            "/causeway.users.v1.UserService/RegisterUser",
            request_serializer=lambda m: m.SerializeToString())(request, metadata=sent)
        watch = channel.unary_stream("/causeway.orders.v1.OrderService/WatchOrder",
            request_serializer=lambda m: m.SerializeToString())(
            orders.WatchOrderRequest(name="orders/1"),
            metadata=[("authorization", "Bearer " + sys.argv[2])])
        assert len([one async for one in watch]) == 3
    stored = servicer.origin.traceparent
    with telemetry.consume("consumer", stored, {"messaging.system": "kafka"}):
        with telemetry.span("smtp send", kind="client"):
            pass
    try:
        with telemetry.span("fails", parent=stored):
            raise ValueError("alice@example.org")
    except ValueError:
        pass
    await channel.close()
    await server.drain()
    print(json.dumps({"stored": stored, "correlation": servicer.origin.correlation_id}))

flush = telemetry.start("orders-api")
asyncio.run(main(sys.argv[1]))
flush()
"""


async def hops(issuer: Issuer, incoming: str, **environment: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOPS, incoming, issuer.token(), PASSWORD,
        stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        env=kept
        | {
            "CAUSEWAY_ISSUER": "http://127.0.0.1/realms/causeway",
            "CAUSEWAY_JWKS": issuer.url,
            "CAUSEWAY_CLIENTS": "causeway-cli",
            "CAUSEWAY_SIGNING_KEY": "0123456789abcdef",
        }
        | environment,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    found: dict[str, str] = json.loads(out)
    return found


@pytest.fixture
def incoming() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@pytest.fixture
def receiver(unused_tcp_port: int) -> Any:
    with otlp.receive(unused_tcp_port) as receiver:
        yield receiver


@pytest.mark.programs
async def test_every_hop_is_in_the_callers_trace(
    issuer: Issuer, incoming: str, receiver: otlp.Receiver
) -> None:
    found = await hops(issuer, incoming, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)
    trace_id = incoming.split("-")[1]
    assert found["stored"].split("-")[1] == trace_id
    spans = {span.name: span for span in receiver.trace(trace_id)}
    server = spans["/causeway.users.v1.UserService/RegisterUser"]
    assert {span.service for span in spans.values()} == {"orders-api"}
    assert spans["consumer"].parent_id == found["stored"].split("-")[2]
    assert spans["consumer"].links == (trace_id,)
    assert spans["smtp send"].parent_id == spans["consumer"].span_id
    assert server.trace_id == trace_id
    assert {"look", "/causeway.orders.v1.OrderService/WatchOrder"} <= spans.keys()
    failed = spans["fails"].attributes
    assert failed["error.type"] == "ValueError"
    exported = b"".join(receiver.bodies)
    assert b"ValueError" in exported
    assert b"alice" not in exported
    assert PASSWORD.encode() not in exported


@pytest.mark.programs
async def test_a_consumer_can_begin_a_trace_of_its_own_and_link_to_the_records(
    issuer: Issuer, incoming: str, receiver: otlp.Receiver
) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "CAUSEWAY_TRACE_KAFKA": "link"}
    await hops(issuer, incoming, **environment)
    trace_id = incoming.split("-")[1]
    (consumer,) = (span for span in receiver.spans if span.name == "consumer")
    assert consumer.trace_id != trace_id
    assert consumer.links == (trace_id,)


@pytest.mark.programs
async def test_a_process_without_tracing_hands_the_trace_on(issuer: Issuer, incoming: str) -> None:
    assert (await hops(issuer, incoming))["stored"] == incoming


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "G" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01\nx",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01\n",
    ],
)
def test_a_malformed_traceparent_is_no_trace(text: str) -> None:
    assert telemetry.well_formed(text) == ""
    with telemetry.span("x", parent=text or ""):
        assert telemetry.traceparent() == ""


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
)
def test_the_standard_variables_decide(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool
) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert telemetry.wanted() is wanted
