"""Gauges: exported when the environment asks for it, free otherwise."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from bridge import metrics

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
OFFER = """
from bridge import metrics
end = metrics.start("orders-worker")
for group, count in (("g", 3), ("h", 4)):
    read = lambda count=count, group=group: [(count, {"group": group})]
    metrics.observe("causeway.parked.keys", "{key}", "Parked.", read)
end()
import sys
print(sorted(name for name in sys.modules if name.startswith("opentelemetry"))[:1])
"""


@contextmanager
def receiver() -> Iterator[tuple[str, list[ExportMetricsServiceRequest]]]:
    """Where metrics are sent, and what came."""
    found: list[ExportMetricsServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/metrics":
                found.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: pytest shows what fails."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def offer(**environment: str) -> str:
    """Offer a gauge in a process of its own; gives what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        OFFER,
        env={**kept, **environment, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return out.decode().strip()


async def test_a_gauge_is_exported_with_all_that_offer_series_of_it_and_its_process() -> None:
    with receiver() as (endpoint, found):
        await offer(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    [resource] = found[-1].resource_metrics
    names = {one.key: one.value.string_value for one in resource.resource.attributes}
    [metric] = resource.scope_metrics[0].metrics
    assert names["service.name"] == "orders-worker"
    assert (metric.name, metric.unit) == ("causeway.parked.keys", "{key}")
    series = {
        tuple((one.key, one.value.string_value) for one in point.attributes): point.as_int
        for point in metric.gauge.data_points
    }
    assert series == {(("group", "g"),): 3, (("group", "h"),): 4}


async def test_while_metrics_are_off_nothing_of_opentelemetry_is_imported() -> None:
    assert await offer() == "[]"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({ENDPOINT: "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318/v1/metrics"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, False),
        ({ENDPOINT: "http://x", "OTEL_METRICS_EXPORTER": "none"}, False),
        ({ENDPOINT: "http://x", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_the_standard_variables_decide(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool
) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert metrics.wanted() is wanted
