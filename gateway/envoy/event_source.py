"""A browser's EventSource: it can't set a header, so its token may come in a cookie.

That holds for the GET of a REST stream that asks for Server-Sent Events, and from our own origin
or an allowed one. Such a call changes nothing; anything else takes the header alone, so a foreign
page gains nothing by a cookie that the browser adds.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from gateway.deployments import Deployment
from gateway.envoy import names
from gateway.model import Binding, Model
from gateway.surface import COOKIE

PROVIDER = "event_source"
ACCEPT: dict[str, Any] = {
    "name": "accept",
    "string_match": {"contains": "text/event-stream", "ignore_case": True},
}
# The characters of a token alone: what is more in the value is none.
_BEARER = (
    "re.extract(request.headers['cookie'], "
    rf"'(?:^|.*?; ?){COOKIE}=([A-Za-z0-9_.-]+)(?:;.*|$)', 'Bearer \\1')"
)


def provider(of_the_header: dict[str, Any]) -> dict[str, Any]:
    """The same issuer, keys and rules; the token from the cookie."""
    other = {key: value for key, value in of_the_header.items() if key != "from_headers"}
    return {**other, "from_cookies": [COOKIE]}


def sources(deployment: Deployment) -> Iterator[list[dict[str, Any]]]:
    """Headers by which a call shows that one of our pages made it; each list is one way.

    A page of the edge's own origin sends no `origin` with a GET, and neither does a foreign one
    that can't read the answer (`no-cors`): `sec-fetch-site` tells them apart.
    """
    ours = {"safe_regex": {"regex": "(same-origin)?"}}
    yield [
        {"name": "origin", "present_match": False},
        {"name": "sec-fetch-site", "string_match": ours, "treat_missing_header_as_empty": True},
    ]
    if deployment.origins:
        allowed = {"regex": "|".join(map(re.escape, deployment.origins))}
        yield [{"name": "origin", "string_match": {"safe_regex": allowed}}]


def rules(
    model: Model,
    deployment: Deployment,
    matches: Callable[[Binding], dict[str, Any]],
    header_provider: str,
) -> Iterator[dict[str, Any]]:
    """Rules of the JWT filter; `matches` gives what fits a binding. The header goes first."""
    either = [{"provider_name": header_provider}, {"provider_name": PROVIDER}]
    streams = (method for method in model.methods() if method.streams_over_rest)
    for binding in chain.from_iterable(method.bindings for method in streams):
        for source in sources(deployment):
            match = matches(binding)
            headers = [*match["headers"], ACCEPT, *source]
            yield {
                "match": {**match, "headers": headers},
                "requires": {"requires_any": {"requirements": either}},
            }


def route(of_the_method: dict[str, Any], cors: dict[str, Any]) -> dict[str, Any]:
    """The method's route for such a call: services get the token where they look for it."""
    match = {**of_the_method["match"], "headers": [ACCEPT]}
    authorization = {
        "header": {"key": "authorization", "value": f"%CEL({_BEARER})%"},
        "append_action": "ADD_IF_ABSENT",
    }
    return {
        **of_the_method,
        "match": match,
        "request_headers_to_add": [authorization],
        "typed_per_filter_config": {**of_the_method["typed_per_filter_config"], names.CORS: cors},
    }
