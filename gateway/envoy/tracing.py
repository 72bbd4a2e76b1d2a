"""Spans of the edge, sent to an OpenTelemetry collector; nothing at all where there is none."""

from typing import Any

from envoy.config.trace.v3.opentelemetry_pb2 import OpenTelemetryConfig

from gateway.deployments import Deployment
from gateway.envoy.typed import packed

CLUSTER = "collector"


def tracing(deployment: Deployment) -> dict[str, Any]:
    """HttpConnectionManager.tracing as keywords; empty without a collector.

    The tracer goes on with the caller's `traceparent`, or begins a trace.
    """
    collector = deployment.collector
    if collector is None:
        return {}
    config = packed(
        OpenTelemetryConfig,
        service_name="causeway-edge",
        http_service={
            "http_uri": {
                "uri": f"http://{collector.host}:{collector.port}/v1/traces",
                "cluster": CLUSTER,
                "timeout": "5s",  # a batch that is late is lost
            }
        },
    )
    provider = {"name": "envoy.tracers.opentelemetry", "typed_config": config}
    return {"tracing": {"provider": provider, "random_sampling": {"value": 100}}}
