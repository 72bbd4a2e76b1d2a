"""The filters that hold calls back or answer them: each as it must be, key by key."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.proof.configuration import Finding, HttpFilter
from gateway.proof.deployed import (
    DOCUMENTS,
    HEALTH_PATHS,
    KEYCLOAK,
    NAMESPACE,
    PAYLOAD,
    Deployed,
    seconds,
)
from gateway.proof.shape import anything, findings, packed
from gateway.proof.site import Rate

JSON_BYTES = 131_072
"""Of the body of a REST call."""
MESSAGE_BYTES = 65_536 + 5
"""Of one message with its frame, where its method does not say otherwise."""
_DOCUMENT_RATE, _DOCUMENT_INTERVAL = 20, 10.0
_CALLERS = 10_000
_ALWAYS = {"default_value": {"numerator": 100}}
_ADDRESS_KEY = "masked_remote_address"
_ADDRESS = {_ADDRESS_KEY: {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}
_METHOD = {"request_headers": {"header_name": ":path", "descriptor_key": "method"}}
_SUBJECT = {
    "metadata": {
        "descriptor_key": "user",
        "metadata_key": {"key": NAMESPACE, "path": [{"key": PAYLOAD}, {"key": "sub"}]},
        "skip_if_absent": True,
    }
}
_RESPONSES = {"content-type", "strict-transport-security"}
"""Headers of answers that a filter may write."""


def filter_shapes(deployed: Deployed) -> Mapping[str, tuple[Any, ...]]:
    """Kind of filter → what the first, the second ... of it in a chain must be."""
    return {
        "Cors": (packed("Cors"),),
        "GrpcWeb": (packed("GrpcWeb"),),
        "Router": (packed("Router", suppress_envoy_headers=True),),
        "HealthCheck": _health(deployed),
        "LocalRateLimit": (_total_limit(deployed), _caller_limit(deployed)),
        "Buffer": (
            packed("Buffer", max_request_bytes=JSON_BYTES),
            packed("Buffer", max_request_bytes=MESSAGE_BYTES),
        ),
    }


def check_filter(where: str, one: HttpFilter, shape: Any) -> Iterator[Finding]:
    """Everything in which one filter is otherwise."""
    yield from findings(f"{where}, {one.name}", one.config, shape)


def entry_shape(one: HttpFilter, deployed: Deployed) -> dict[str, Any]:
    """What stands in the chain: the configuration itself, or its one file. No filter may be off,
    but the naming of newline-delimited JSON, which is on where a caller asks for it."""
    if "config_discovery" not in one.entry:
        off = {"disabled": True} if one.name == "ndjson" else {}
        return {"name": one.name, "typed_config": anything, **off}
    source = deployed.watched(f"ecds_{one.name}.json")
    of_kind = [lambda told: str(told).rpartition(".")[2] == one.kind]
    return {
        "name": one.name,
        "config_discovery": {"config_source": source, "type_urls": of_kind},
    }


def header_shape() -> dict[str, Any]:
    """A filter that writes headers: of answers alone, and these alone."""
    return packed("HeaderMutation", mutations={"response_mutations": _response_headers})


def _response_headers(told: Any) -> bool:
    return all(
        set(one) == {"append"} and one["append"]["header"]["key"] in _RESPONSES
        for one in told or []
    )


def _health(deployed: Deployed) -> tuple[Any, ...]:
    needed = {name: {"value": 1} for name in (*deployed.site.clusters, KEYCLOAK)}
    found = []
    for path, more in zip(HEALTH_PATHS, ({}, needed), strict=True):
        extra = {"cluster_min_healthy_percentages": more} if more else {}
        header = {"name": ":path", "string_match": {"exact": path}}
        found.append(packed("HealthCheck", pass_through_mode=False, headers=[header], **extra))
    return tuple(found)


def _total_limit(deployed: Deployed) -> dict[str, Any]:
    limits = deployed.site.limits
    address = {"entries": [{"key": _ADDRESS_KEY}], "token_bucket": _bucket(limits.address)}
    return _limit(
        deployed,
        stat_prefix="total_limit",
        descriptors=[address],
        rate_limits=[{"actions": [_ADDRESS]}],
    )


def _caller_limit(deployed: Deployed) -> dict[str, Any]:
    caller = {"entries": [{"key": "user"}], "token_bucket": _bucket(deployed.site.limits.caller)}
    own = [
        _of_path(rpc.path, _ADDRESS_KEY if rpc.public else "user", rpc.requests, rpc.interval)
        for rpc in deployed.surface.rpcs
        if rpc.requests
    ]
    documents = [
        _of_path(path, _ADDRESS_KEY, _DOCUMENT_RATE, _DOCUMENT_INTERVAL) for path in DOCUMENTS
    ]
    wanted = [*own, *documents, caller]
    chains = [[_SUBJECT], [_METHOD, _SUBJECT], [_METHOD, _ADDRESS]]
    return _limit(
        deployed,
        stat_prefix="caller_limit",
        descriptors=wanted,
        rate_limits=[{"actions": actions} for actions in chains],
        enable_x_ratelimit_headers="DRAFT_VERSION_03",
    )


def _limit(deployed: Deployed, **own: Any) -> dict[str, Any]:
    return packed(
        "LocalRateLimit",
        token_bucket=_bucket(deployed.site.limits.total),
        filter_enabled=_ALWAYS,  # both are 0 % where they are left out
        filter_enforced=_ALWAYS,
        rate_limited_as_resource_exhausted=True,
        max_dynamic_descriptors=_CALLERS,
        **own,
    )


def _bucket(rate: Rate) -> dict[str, Any]:
    return _tokens(rate.requests, rate.interval)


def _tokens(requests: int, interval: float) -> dict[str, Any]:
    return {
        "max_tokens": requests,
        "tokens_per_fill": requests,
        "fill_interval": seconds(interval),
    }


def _of_path(path: str, who: str, requests: int, interval: float) -> dict[str, Any]:
    entries = [{"key": "method", "value": path}, {"key": who}]
    return {"entries": entries, "token_bucket": _tokens(requests, interval)}
