"""Metrics: gauges on the standard `OTEL_*` variables, otherwise free.

Off (no OTLP endpoint, or `OTEL_SDK_DISABLED=true`, or `OTEL_METRICS_EXPORTER=none`) nothing of
OpenTelemetry is imported and nothing is measured. Labels never hold keys, ids or addresses.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

Readings = Iterable[tuple[float, Mapping[str, str]]]

END_MILLISECONDS = 2_000

_readers: dict[str, list[Callable[[], Readings]]] | None = None
"""What is exported, by the gauge's name; None: nothing is."""


def wanted() -> bool:
    """Whether the environment asks for metrics."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if os.environ.get("OTEL_METRICS_EXPORTER", "otlp").lower() == "none":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return any(os.environ.get(name) for name in endpoints)


def start(process: str) -> Callable[[], None]:
    """Begin to export, if wanted, every `OTEL_METRIC_EXPORT_INTERVAL` ms (60,000).

    Returns what flushes and ends it. `process` ("orders-worker") names the service unless
    `OTEL_SERVICE_NAME` does.
    """
    global _readers
    if not wanted():
        return lambda: None
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    name = os.environ.get("OTEL_SERVICE_NAME") or process
    provider = MeterProvider(
        metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())],
        resource=Resource.create({"service.name": name}),
    )
    metrics.set_meter_provider(provider)
    _readers = {}
    return lambda: provider.shutdown(timeout_millis=END_MILLISECONDS)


def observe(name: str, unit: str, description: str, read: Callable[[], Readings]) -> None:
    """Offer a gauge, or more series of one; nothing happens while metrics are off.

    `read` gives (value, labels) for each series. It is called in the exporter's thread: it must
    only look at what the process has measured already, and never ask anybody.
    """
    if _readers is None:
        return
    if name in _readers:
        # OpenTelemetry would pass over a second gauge of the name, and all that it reads.
        _readers[name].append(read)
        return
    readers = _readers[name] = [read]
    from opentelemetry import metrics

    def observed(_: "CallbackOptions") -> "Iterable[Observation]":
        # A copy: this is the exporter's thread.
        found = [reading for one in list(readers) for reading in one()]
        return [metrics.Observation(value, dict(labels)) for value, labels in found]

    metrics.get_meter("causeway").create_observable_gauge(
        name, callbacks=[observed], unit=unit, description=description
    )
