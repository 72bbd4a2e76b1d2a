"""How much one caller, one address and everybody together may ask for, and how big."""

from typing import Any

from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import Buffer, BufferPerRoute
from envoy.extensions.filters.http.local_ratelimit.v3.local_rate_limit_pb2 import LocalRateLimit

from gateway import defaults, surface
from gateway.deployments import Deployment
from gateway.envoy import documents
from gateway.envoy.authentication import METADATA, PAYLOAD
from gateway.envoy.transcoding import MAX_REQUEST_BODY
from gateway.envoy.typed import packed, seconds, typed
from gateway.model import Method, Model, RateLimit

_FRAME_HEADER = 5
"""gRPC puts a flag and a length before each message."""
_ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_CALLERS = 10_000
"""Buckets kept at once. Beyond it the least used is dropped, and that caller starts afresh."""


def total_limit(deployment: Deployment) -> LocalRateLimit:
    """Before everything else: a bucket for each address, and one for all requests together.

    Who has emptied the first takes nothing from the second: a flood from one address, of calls
    without a good token say, leaves the others theirs.
    """
    return typed(
        LocalRateLimit,
        stat_prefix="total_limit",
        token_bucket=_bucket(deployment.limits.total),
        filter_enabled=_ALWAYS,  # both are 0 % unless set
        filter_enforced=_ALWAYS,
        rate_limited_as_resource_exhausted=True,
        max_dynamic_descriptors=_CALLERS,
        descriptors=[
            {"entries": [{"key": _ADDRESS_KEY}], "token_bucket": _bucket(deployment.limits.address)}
        ],
        rate_limits=[{"actions": [_ADDRESS]}],
    )


def caller_limit(model: Model, deployment: Deployment) -> LocalRateLimit:
    """A bucket for each caller, and one for each caller or address on methods with a limit.

    It sees gRPC paths only, so REST and gRPC calls of one method share a bucket.
    """
    limited = [method for method in model.methods() if method.access.rate_limit]
    return typed(
        LocalRateLimit,
        stat_prefix="caller_limit",
        # The base bucket counts requests that no descriptor fits; there are none to limit here.
        token_bucket=_bucket(deployment.limits.total),
        filter_enabled=_ALWAYS,
        filter_enforced=_ALWAYS,
        rate_limited_as_resource_exhausted=True,
        max_dynamic_descriptors=_CALLERS,
        enable_x_ratelimit_headers="DRAFT_VERSION_03",
        descriptors=[
            *(_method_bucket(method) for method in limited),
            *(_bucket_of(path, _ADDRESS_KEY, documents.LIMIT) for path in surface.DOCUMENTS),
            {"entries": [{"key": "user"}], "token_bucket": _bucket(deployment.limits.caller)},
        ],
        rate_limits=[
            {"actions": [_SUBJECT]},
            {"actions": [_METHOD, _SUBJECT]},
            {"actions": [_METHOD, _ADDRESS]},
        ],
    )


def request_size() -> Buffer:
    """Holds a request until it is complete, and refuses one above the default size."""
    return typed(Buffer, max_request_bytes=defaults.REQUEST_BYTES + _FRAME_HEADER)


def json_size() -> Buffer:
    """Before the transcoder, which parses as the body comes: blanks would go on without end.

    What it holds must fit the method's own size too, which counts once the route is known.
    """
    return typed(Buffer, max_request_bytes=MAX_REQUEST_BODY)


def request_size_of(method: Method) -> dict[str, Any] | None:
    """The size of one method where it is not the default; off where a request has no end.

    Coarse: what ends in the very frame that crosses the limit passes. The service is exact.
    """
    if method.client_streams:
        return unbuffered()
    size = method.access.max_request_bytes
    if size is None:
        return None
    return packed(BufferPerRoute, buffer={"max_request_bytes": size + _FRAME_HEADER})


def unbuffered() -> dict[str, Any]:
    """For client streams: the buffer would wait for an end that does not come."""
    return packed(BufferPerRoute, disabled=True)


_SUBJECT = {
    "metadata": {
        "descriptor_key": "user",
        "metadata_key": {"key": METADATA, "path": [{"key": PAYLOAD}, {"key": "sub"}]},
        "source": "DYNAMIC",
        "skip_if_absent": True,
    }
}
# A descriptor with the path of a method without a limit fits no bucket and costs nothing.
_METHOD = {"request_headers": {"header_name": ":path", "descriptor_key": "method"}}

_ADDRESS_KEY = "masked_remote_address"
# IPv6 by /64: one subscriber has as many addresses as it likes.
_ADDRESS = {_ADDRESS_KEY: {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}


def _bucket(limit: RateLimit) -> dict[str, Any]:
    return {
        "max_tokens": limit.requests,
        "tokens_per_fill": limit.requests,
        "fill_interval": seconds(limit.interval),
    }


def _method_bucket(method: Method) -> dict[str, Any]:
    assert method.access.rate_limit  # noqa: S101 (chosen by the caller)
    who = _ADDRESS_KEY if method.access.public else "user"
    return _bucket_of(method.path, who, method.access.rate_limit)


def _bucket_of(path: str, who: str, limit: RateLimit) -> dict[str, Any]:
    return {
        "entries": [{"key": "method", "value": path}, {"key": who}],
        "token_bucket": _bucket(limit),
    }
