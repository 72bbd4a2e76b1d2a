"""Server reflection under both its names.

The wheel serves `v1alpha` alone, grpcurl asks for `v1` first and gives up at a refusal. The
messages of both are the same on the wire, so one servicer answers both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection import aio

from bridge.server.methods import HEALTH, REFLECTION, Method, methods_of

V1, V1ALPHA = REFLECTION


def reflection_methods() -> Mapping[str, Mapping[str, Method]]:
    """Methods of both services, by service name."""
    methods = methods_of(V1ALPHA)
    renamed = {name: replace(m, path=f"/{V1}/{name}") for name, m in methods.items()}
    return {V1ALPHA: methods, V1: renamed}


def own_surface(services: Iterable[str]) -> Any:
    """Make the servicer that describes the services of this process."""
    return aio.ReflectionServicer(sorted({*services, HEALTH, V1ALPHA}))


def full_surface(descriptors: Path) -> Any:
    """Make the servicer that describes everything in a compiled descriptor set.

    Raises OSError where the file can't be read, DecodeError or TypeError where it is none.
    """
    pool = descriptor_pool.DescriptorPool()
    names = {V1}
    for file in FileDescriptorSet.FromString(descriptors.read_bytes()).file:
        pool.Add(file)
        names |= {f"{file.package}.{service.name}" for service in file.service}
    pool.Add(v1_file())
    return aio.ReflectionServicer(names, _Symbols(pool))


class _Symbols:
    """A pool in which a method is a symbol too: `grpcurl describe SERVICE.METHOD` asks for it.

    protobuf's own looks a method up by FindMethodByName alone.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> Any:  # noqa: N802 (protobuf's name)
        """The file that declares it; KeyError where none does."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            return self._pool.FindMethodByName(symbol).containing_service.file


def v1_file() -> FileDescriptorProto:
    """Describe reflection v1, which is v1alpha under another package."""
    file = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = "grpc/reflection/v1/reflection.proto", "grpc.reflection.v1"
    for message in file.message_type:
        for field in (f for f in message.field if f.type_name):
            field.type_name = field.type_name.replace(".v1alpha.", ".v1.")
    for method in file.service[0].method:
        method.input_type = method.input_type.replace(".v1alpha.", ".v1.")
        method.output_type = method.output_type.replace(".v1alpha.", ".v1.")
    return file
