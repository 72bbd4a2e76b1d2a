"""What the edge answers beside the methods, as its configuration and its documents both name it."""

LIVENESS, READINESS = "/healthz", "/readyz"
OPENAPI, ASYNCAPI = "/openapi.json", "/asyncapi.json"
DOCUMENTS = (OPENAPI, ASYNCAPI)
COOKIE = "causeway_token"
"""Where a browser's EventSource, which can't set a header, may have its token."""
# grpcurl asks v1 and stops at a refusal; the Python wheel knows v1alpha only: both are let through.
REFLECTION = (
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)
