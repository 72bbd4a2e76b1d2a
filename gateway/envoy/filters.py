"""The chain of HTTP filters. Each comes from a file of its own, so a change ends no stream."""

from envoy.extensions.filters.http.cors.v3.cors_pb2 import Cors
from envoy.extensions.filters.http.grpc_web.v3.grpc_web_pb2 import GrpcWeb
from google.protobuf.message import Message

from gateway.deployments import Deployment
from gateway.envoy import health, limits, names
from gateway.envoy.authentication import authentication
from gateway.envoy.authorization import authorization
from gateway.envoy.transcoding import transcoding
from gateway.envoy.typed import typed
from gateway.model import Model


def filters(model: Model, deployment: Deployment) -> dict[str, Message]:
    """Name → configuration, in the order in which a request passes them; the router is not in it.

    - CORS before authentication: a preflight carries no token.
    - gRPC-Web before authentication: else its clients can't read the refusal.
    - authentication before the transcoder: unknown paths tell nothing without a token.
    - authorization after the transcoder: REST and gRPC meet on one path.
    """
    return {
        names.LIVENESS: health.liveness(),
        names.READINESS: health.readiness(deployment),
        names.TOTAL_LIMIT: limits.total_limit(deployment),
        names.CORS: typed(Cors),
        names.GRPC_WEB: typed(GrpcWeb),
        names.AUTHENTICATION: authentication(model, deployment),
        names.JSON_SIZE: limits.json_size(),
        names.TRANSCODER: transcoding(model),
        names.AUTHORIZATION: authorization(model, deployment),
        names.CALLER_LIMIT: limits.caller_limit(model, deployment),
        names.REQUEST_SIZE: limits.request_size(),
    }
