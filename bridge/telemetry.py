"""Traces: on by the standard `OTEL_*` variables, otherwise free.

Off (no OTLP endpoint, or `OTEL_SDK_DISABLED=true`, or `OTEL_TRACES_EXPORTER=none`) nothing of
OpenTelemetry is imported and a span only carries the W3C `traceparent` on, so that a process
without tracing does not cut the trace of those around it.

One request is one trace, also across Kafka: see docs/decisions/0001-one-trace-across-kafka.md.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

import grpc.aio

if TYPE_CHECKING:
    from opentelemetry.context import Context

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]

# https://www.w3.org/TR/trace-context/#traceparent-header, version 00, ids not all zero.
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_carried: ContextVar[str] = ContextVar("causeway_traceparent", default="")
_started = False


def wanted() -> bool:
    """Whether the environment asks for traces."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp").lower() == "none":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return any(os.environ.get(name) for name in endpoints)


def start(process: str) -> Callable[[], None]:
    """Begin to export, if wanted; returns what flushes and ends it.

    `process` ("orders-api") names the service unless `OTEL_SERVICE_NAME` does.
    """
    global _started
    if not wanted():
        return lambda: None
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME") or process
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _started = True
    return provider.shutdown


def well_formed(traceparent: str | None) -> str:
    """Return the header where it is a valid W3C traceparent, else an empty string."""
    return traceparent if traceparent and TRACEPARENT.fullmatch(traceparent) else ""


def traceparent() -> str:
    """Return the W3C traceparent of the present span; empty where no trace is known."""
    if not _started:
        return _carried.get()
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def adopt(traceparent: str | None) -> None:
    """Pass a caller's traceparent on for the rest of this task, while tracing is off."""
    if traceparent and not _started:
        _carried.set(well_formed(traceparent))


class Carrying:
    """The block of `carry`. A class, as it is entered for every event of every group."""

    __slots__ = ("_token", "_traceparent")

    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent

    def __enter__(self) -> None:
        self._token = _carried.set(self._traceparent)

    def __exit__(self, *_: object) -> None:
        _carried.reset(self._token)


def carry(traceparent: str | None) -> Carrying:
    """Pass a caller's traceparent on while tracing is off."""
    return Carrying(well_formed(traceparent))


def is_on() -> bool:
    """Whether spans are recorded; otherwise they only carry the trace on."""
    return _started


@contextmanager
def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: str | None = None,
    links: Sequence[str] = (),
    attributes: Attributes | None = None,
) -> Iterator[None]:
    """Run the block in a span.

    `parent` is a W3C traceparent to continue: None takes the present span, an empty or malformed
    one begins a new trace. `links` are traceparents of related spans. An error that leaves the
    block marks the span with its type alone: texts may hold personal data.
    """
    if not _started:
        with carry(parent) if parent is not None else nullcontext():
            yield
        return
    with _recorded(name, kind, parent, links, attributes):
        yield


@contextmanager
def _recorded(
    name: str,
    kind: Kind,
    parent: str | None,
    links: Sequence[str],
    attributes: Attributes | None,
) -> Iterator[None]:
    from opentelemetry import trace

    tracer = trace.get_tracer("causeway")
    with tracer.start_as_current_span(
        name,
        context=None if parent is None else _context(parent),
        kind=trace.SpanKind[kind.upper()],
        links=[link for text in links for link in _links(text)],
        attributes=dict(attributes or {}),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except Exception as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(trace.Status(trace.StatusCode.ERROR))
            raise


def _context(traceparent: str) -> "Context":
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {"traceparent": well_formed(traceparent)}
    return TraceContextTextMapPropagator().extract(carrier, context=Context())


def _links(traceparent: str) -> list[Any]:
    from opentelemetry import trace

    spoken = trace.get_current_span(_context(traceparent)).get_span_context()
    return [trace.Link(spoken)] if spoken.is_valid else []


@contextmanager
def consume(name: str, traceparent: str, attributes: Attributes | None = None) -> Iterator[None]:
    """Run the block in the consumer span of one record, whose header is `traceparent`.

    By default the span continues the record's trace and links to its producer;
    `CAUSEWAY_TRACE_KAFKA=link` makes it a trace of its own with the link alone.
    """
    apart = os.environ.get("CAUSEWAY_TRACE_KAFKA", "parent") == "link"
    parent = "" if apart and _started else traceparent
    with span(name, kind="consumer", parent=parent, links=[traceparent], attributes=attributes):
        yield


def server_interceptors() -> list[grpc.aio.ServerInterceptor]:
    """Interceptors that give every call a span; none while tracing is off."""
    if not _started:
        return []
    from opentelemetry.instrumentation.grpc import aio_server_interceptor, filters

    # Probes come every second: their spans would bury the others.
    chosen = filters.negate(filters.service_name("grpc.health.v1.Health"))
    return [aio_server_interceptor(filter_=chosen)]  # type: ignore[no-untyped-call]


def client_interceptors() -> list[grpc.aio.ClientInterceptor]:
    """Interceptors that carry the trace into outgoing calls; none while tracing is off."""
    if not _started:
        return []
    from opentelemetry.instrumentation.grpc import aio_client_interceptors

    return list(aio_client_interceptors())  # type: ignore[no-untyped-call]
