"""/healthz and /readyz: answered by Envoy itself, before any other filter, without a token."""

from envoy.extensions.filters.http.health_check.v3.health_check_pb2 import HealthCheck

from gateway import surface
from gateway.deployments import Deployment
from gateway.envoy import authentication
from gateway.envoy.typed import typed


def liveness() -> HealthCheck:
    """200 as long as the edge is not being drained."""
    return typed(HealthCheck, pass_through_mode=False, headers=[_path(surface.LIVENESS)])


def readiness(deployment: Deployment) -> HealthCheck:
    """200 when every area has a healthy replica and Keycloak shows its keys; else 503."""
    needed = (*sorted(deployment.clusters), authentication.CLUSTER)
    return typed(
        HealthCheck,
        pass_through_mode=False,
        headers=[_path(surface.READINESS)],
        cluster_min_healthy_percentages={name: {"value": 1} for name in needed},
    )


def _path(path: str) -> dict[str, object]:
    return {"name": ":path", "string_match": {"exact": path}}
