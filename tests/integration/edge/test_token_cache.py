"""Why Envoy remembers no verified token, although that would save a tenth of its CPU.

What is remembered counts until the token's own end, whatever becomes of the key that signed it.
The services remember too, but with the key: see decision 23.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication

from gateway.envoy import names
from gateway.envoy.edge import Edge
from gateway.model import Model
from tests.integration.edge import bench
from tests.integration.edge.bench import Running
from tests.integration.edge.issuer import serving
from tests.ports import free_port

ORDER = "/v1/orders/7"


def fetching_often(edge: Edge) -> Edge:
    """Fetch the keys every second, in place of every minute."""
    jwt = JwtAuthentication()
    jwt.CopyFrom(edge.filters[names.AUTHENTICATION])
    assert not jwt.providers["keycloak"].HasField("jwt_cache_config")
    jwt.providers["keycloak"].remote_jwks.cache_duration.FromSeconds(1)
    return replace(edge, filters={**edge.filters, names.AUTHENTICATION: jwt})


def remembering(edge: Edge) -> Edge:
    """The same, with a cache of verified tokens."""
    often = fetching_often(edge)
    jwt = JwtAuthentication()
    jwt.CopyFrom(often.filters[names.AUTHENTICATION])
    jwt.providers["keycloak"].jwt_cache_config.jwt_cache_size = 1000
    return replace(edge, filters={**edge.filters, names.AUTHENTICATION: jwt})


def accepts(edge: Running, token: str) -> bool:
    return edge.rest("GET", ORDER, token).status_code == 200


@pytest.mark.parametrize(("change", "still"), [(fetching_often, False), (remembering, True)])
def test_a_cache_of_tokens_would_keep_alive_a_key_that_was_taken_back(
    model: Model, tmp_path: Path, change: Callable[[Edge], Edge], still: bool
) -> None:
    with serving(free_port()) as own, bench.backend() as one:
        deployment = bench.deployment_of(model, tmp_path, own, [one])
        with bench.running(model, deployment, change, watching=False) as edge:
            old = own.token("operator")
            assert accepts(edge, old)
            own.rotate()
            new = own.token("operator")
            assert bench.until(lambda: accepts(edge, new))
            # An Envoy that refuses it with the cache too may have its cache: decision 23.
            assert accepts(edge, old) is still
