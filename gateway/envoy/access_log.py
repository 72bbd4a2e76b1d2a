"""One line of JSON a request, on standard output: no token, no query, no body, no person."""

from typing import Any

from envoy.extensions.access_loggers.stream.v3.stream_pb2 import StdoutAccessLog

from gateway.envoy.typed import packed

_FIELDS = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    # Queries may hold what callers type; REST paths are logged as the gRPC method they became.
    "path": "%PATH(NQ:PATH)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": "%GRPC_STATUS_NUMBER%",
    "detail": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "milliseconds": "%DURATION%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "replica": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "traceparent": "%REQ(TRACEPARENT)%",
}


def access_log() -> dict[str, Any]:
    """One entry of HttpConnectionManager.access_log; probes are left out."""
    return {
        "name": "stdout",
        "filter": {"not_health_check_filter": {}},
        "typed_config": packed(StdoutAccessLog, log_format={"json_format": _FIELDS}),
    }
