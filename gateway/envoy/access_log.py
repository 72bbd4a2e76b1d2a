"""One line of JSON a request, on standard output: no token, no query, no body, no person."""

from typing import Any

from envoy.extensions.access_loggers.stream.v3.stream_pb2 import StdoutAccessLog

from gateway.envoy.typed import packed

_FIELDS = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD):10%",
    # The route's name is ours: the gRPC method, also of a REST call. A path is the caller's, and
    # may hold ids, addresses, a token that was pasted into the wrong place.
    "path": "%ROUTE_NAME%",
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
    # Not the header, which may be any text: what Envoy's tracer made of it, if there is one.
    "trace": "%TRACE_ID%",
}


def access_log() -> dict[str, Any]:
    """One entry of HttpConnectionManager.access_log; probes are left out."""
    return {
        "name": "stdout",
        "filter": {"not_health_check_filter": {}},
        "typed_config": packed(StdoutAccessLog, log_format={"json_format": _FIELDS}),
    }
