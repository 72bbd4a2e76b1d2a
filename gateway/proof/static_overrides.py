"""What a filter is told otherwise for one host or path: never one that guards."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.proof.configuration import Finding, Json, kind_of
from gateway.proof.deployed import DOCUMENTS, Deployed
from gateway.proof.shape import REMEDY, Maybe, anything, findings, packed
from gateway.proof.static_cookies import ACCEPT
from gateway.proof.static_transcoding import check_transcoding

FRAME = 5
"""Bytes that gRPC puts before a message."""
_OFF = packed("FilterConfig", disabled=True)
_NAMED = packed("FilterConfig", config=packed("HeaderMutationPerRoute"))


class Overrides:
    """Checks `typed_per_filter_config`. `kinds`: name of a filter → its type, in their order."""

    def __init__(self, kinds: Mapping[str, str], deployed: Deployed) -> None:
        self._kinds = kinds
        self._json_buffer = next((name for name, kind in kinds.items() if kind == "Buffer"), "")
        self._deployed = deployed
        self._rpcs = {rpc.path: rpc for rpc in deployed.rpcs}

    def check(self, where: str, level: Json) -> Iterator[Finding]:
        """Everything that is told otherwise and must not be."""
        for name, config in level.get("typed_per_filter_config", {}).items():
            yield from self._one(where, name, config, level)

    def _one(self, where: str, name: str, config: Json, level: Json) -> Iterator[Finding]:
        kind, told = self._kinds.get(name, ""), kind_of(config)
        path = level.get("match", {}).get("path", "")
        document = path in DOCUMENTS and "direct_response" in level
        inside = f"{where}, {name}"
        if kind == "GrpcJsonTranscoder" and document:
            yield from findings(inside, config, _OFF)  # it would refuse what no binding names
        elif kind == told == "GrpcJsonTranscoder":
            yield from check_transcoding(config, inside, self._deployed)
        elif kind == "Buffer" and told == "BufferPerRoute":
            yield from self._buffer(where, path, name, config)
        elif kind == "Cors" and told == "CorsPolicy":
            yield from findings(inside, config, self._origins(cookies=for_events(level)))
        elif kind == "HeaderMutation" and told == "FilterConfig":
            yield from findings(inside, config, _NAMED)
        else:
            yield Finding(where, f"changes the filter {name} for this path", "remove that")

    def _buffer(self, where: str, path: str, name: str, config: Json) -> Iterator[Finding]:
        rpc = self._rpcs.get(path)
        off = packed("BufferPerRoute", disabled=True)
        if config.get("disabled"):
            # JSON is counted on the paths of REST; behind it, the second buffer counts messages.
            if not (rpc and (name == self._json_buffer or rpc.client_streams)):
                yield Finding(where, "takes requests of any size", REMEDY)
            yield from findings(f"{where}, {name}", config, off)
            return
        size = rpc.request_bytes + FRAME if rpc and rpc.request_bytes else None
        wanted = packed("BufferPerRoute", buffer={"max_request_bytes": size})
        yield from findings(f"{where}, {name}", config, wanted)

    def _origins(self, *, cookies: bool) -> dict[str, Any]:
        """Pages of these origins may call, and with cookies only an EventSource may."""
        origins = [{"exact": origin} for origin in self._deployed.site.origins]
        return packed(
            "CorsPolicy",
            allow_methods="GET, POST, PATCH, OPTIONS",
            allow_headers=anything,  # which may be sent says nothing of who is believed
            expose_headers=anything,
            max_age=anything,
            forward_not_matching_preflights=Maybe(False),
            allow_credentials=True if cookies else Maybe(False),
            **({"allow_origin_string_match": origins} if origins else {}),
        )


def for_events(route: Json) -> bool:
    """Whether a route is for an EventSource, besides what it says of the path."""
    return bool(route.get("match", {}).get("headers", []) == [ACCEPT])
