"""Server reflection: one server answers for the whole surface."""

from gateway.reading import BRIDGE

REFLECTION_CLUSTER = BRIDGE
# grpcurl asks v1 and stops at a refusal; the Python wheel knows v1alpha only: both are let through.
REFLECTION_PATHS = (
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)
