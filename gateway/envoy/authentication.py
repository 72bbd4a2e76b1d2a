"""Who is calling: every request needs a token of the realm, but for the public methods."""

from collections.abc import Iterator
from typing import Any

from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication

from gateway import identity, paths, surface
from gateway.deployments import Deployment
from gateway.envoy import documents, event_source
from gateway.envoy.typed import seconds, typed
from gateway.model import Binding, Model

PROVIDER = "keycloak"
CLUSTER = "keycloak"
PAYLOAD = "jwt"
"""Key of the verified payload in the filter's dynamic metadata."""
METADATA = "envoy.filters.http.jwt_authn"
CLOCK_SKEW = 10


def authentication(model: Model, deployment: Deployment) -> JwtAuthentication:
    """The exceptions first, then one rule for everything: in Envoy no match means no check."""
    keycloak = _provider(deployment)
    return typed(
        JwtAuthentication,
        providers={PROVIDER: keycloak, event_source.PROVIDER: event_source.provider(keycloak)},
        rules=[
            *_exceptions(model),
            *event_source.rules(model, deployment, _rest, PROVIDER),
            {"match": {"prefix": "/"}, "requires": {"provider_name": PROVIDER}},
        ],
        strip_failure_response=True,
    )


def _provider(deployment: Deployment) -> dict[str, Any]:
    keycloak = deployment.keycloak
    return {
        "issuer": deployment.issuer,
        "audiences": [identity.AUDIENCE],
        "require_expiration": True,
        # What a token has left to live; our clock may be behind Keycloak's.
        "max_lifetime": seconds(identity.TOKEN_LIFE + CLOCK_SKEW),
        "clock_skew_seconds": CLOCK_SKEW,
        # Without this list the query parameter access_token is read too, and ends in logs.
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "forward": True,  # services verify it again
        "payload_in_metadata": PAYLOAD,
        "remote_jwks": {
            "http_uri": {
                "uri": f"http://{keycloak.host}:{keycloak.port}{identity.jwks_path()}",
                "cluster": CLUSTER,
                "timeout": "5s",
            },
            # Without fast_listener the fetch waits for the listener's start, so a filter that is
            # changed later never fetches, and its calls have to:
            # https://github.com/envoyproxy/envoy/pull/16298 (JwksAsyncFetcher's init target)
            "async_fetch": {"failed_refetch_duration": "1s", "fast_listener": True},
            "cache_duration": "60s",
            "retry_policy": {"num_retries": 3},
        },
    }


def _exceptions(model: Model) -> Iterator[dict[str, Any]]:
    """The documents, and public methods at each path on which this filter may see them: it
    precedes transcoding.
    """
    for path in surface.DOCUMENTS:
        yield {"match": {"path": path, "headers": [documents.READING]}}
    for method in model.methods():
        if method.access.public:
            yield {"match": {"path": method.path, "headers": [_verb("POST")]}}
            for binding in method.bindings:
                yield {"match": _rest(binding)}


def _rest(binding: Binding) -> dict[str, Any]:
    headers = [_verb(binding.verb)]
    if paths.variables(binding.path):
        regex = {"regex": paths.pattern(binding.path)}
        return {"safe_regex": regex, "headers": headers}
    return {"path": binding.path, "headers": headers}


def _verb(verb: str) -> dict[str, Any]:
    return {"name": ":method", "string_match": {"exact": verb}}
