"""Names newline-delimited JSON in the answer's content type, where the caller asked for it.

The transcoder says application/json of it (https://github.com/envoyproxy/envoy/pull/22868 made
the lines, not their name). The filter is off but for calls with such an `accept`.
"""

from typing import Any

from envoy.config.route.v3.route_components_pb2 import FilterConfig
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutation,
    HeaderMutationPerRoute,
)

from gateway.envoy.typed import packed

NAME = "ndjson"
KIND = "application/x-ndjson"
ACCEPT: dict[str, Any] = {
    "name": "accept",
    "string_match": {"contains": KIND, "ignore_case": True},
}
MARK = {"header": {"key": "x-accel-buffering", "value": "no"}}
"""Stands on the answers of streams: a proxy on the way (nginx) does not hold them back."""
# A refusal is one JSON object, and so is the answer of any other method.
_KIND = (
    f"response.headers[':status'] == '200' && '{MARK['header']['key']}' in response.headers"
    f" ? '{KIND}' : response.headers['content-type']"
)


def naming() -> dict[str, Any]:
    """One of the first filters, so that it sees what the transcoder has made of the answer."""
    header = {"key": "content-type", "value": f"%CEL({_KIND})%"}
    append = {"header": header, "append_action": "OVERWRITE_IF_EXISTS"}
    config = packed(HeaderMutation, mutations={"response_mutations": [{"append": append}]})
    return {"name": NAME, "typed_config": config, "disabled": True}


def switched_on() -> dict[str, Any]:
    """For a route's `typed_per_filter_config`."""
    return {NAME: packed(FilterConfig, config=packed(HeaderMutationPerRoute))}
