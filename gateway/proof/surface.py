"""What the protos promise, read anew from the compiled descriptor set."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
)

from causeway.options.v1 import options_pb2

HEALTH = "/grpc.health.v1.Health/Check"
REFLECTION = tuple(
    f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    for version in ("v1", "v1alpha")
)
REFLECTION_AREA = "bridge"
"""Who answers server reflection for the whole surface."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One REST binding as the proto spells it; `body` is "", "*" or a field."""

    verb: str
    template: str
    body: str


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method and its rule.

    `roles`: any of them is let in; `anyone`: so is every valid token. `owner`: the option's name
    without `OWNER_`, "" where it is unset. `interval`: seconds in which its bucket fills, if it
    has one, and `requests` are let through in it. `request_bytes`: of one message; 0: the default.
    `safe`: calling it changes nothing.
    """

    path: str
    area: str
    request: str
    public: bool
    roles: frozenset[str]
    owner: str
    owner_field: str
    bindings: tuple[Binding, ...]
    client_streams: bool
    server_streams: bool
    safe: bool
    interval: float = 0.0
    anyone: bool = False
    requests: int = 0
    request_bytes: int = 0

    @property
    def name(self) -> str:
        """`OrderService/GetOrder`."""
        return self.path.rpartition(".")[2]


NOTHING = Rpc(
    path="/causeway.proof.v1.ProofService/Nothing",
    area="",
    request="",
    public=False,
    roles=frozenset(),
    owner="",
    owner_field="",
    bindings=(),
    client_streams=False,
    server_streams=False,
    safe=False,
)
"""A method that no proto declares, and so nobody's."""


@dataclass(frozen=True, slots=True)
class Surface:
    """All methods, what each role includes (itself too), and every message by full name."""

    rpcs: tuple[Rpc, ...]
    roles: Mapping[str, frozenset[str]]
    messages: Mapping[str, DescriptorProto]
    files: FileDescriptorSet

    @property
    def areas(self) -> tuple[str, ...]:
        """Who serves methods, sorted."""
        return tuple(sorted({rpc.area for rpc in self.rpcs}))


def surface(descriptors: bytes) -> Surface:
    """Read a FileDescriptorSet; our options are in it as they are in the protos."""
    files = FileDescriptorSet.FromString(descriptors)
    own = [file for file in files.file if f"{file.package}.".startswith("causeway.")]
    declared = [role for file in own for role in file.options.Extensions[options_pb2.role]]
    includes = {role.name: tuple(role.includes) for role in declared}
    return Surface(
        rpcs=tuple(rpc for file in own for rpc in _rpcs(file)),
        roles={name: _held(name, includes) for name in includes},
        messages=dict(_messages(files.file)),
        files=files,
    )


def reflection(roles: Iterable[str]) -> tuple[Rpc, ...]:
    """Server reflection, open to `roles`, or to every valid token where there are none."""
    wanted = frozenset(roles)
    return tuple(
        Rpc(
            path=path,
            area=REFLECTION_AREA,
            request="grpc.reflection.v1alpha.ServerReflectionRequest",
            public=False,
            roles=wanted,
            anyone=not wanted,
            owner="",
            owner_field="",
            bindings=(),
            client_streams=True,
            server_streams=True,
            safe=True,
        )
        for path in REFLECTION
    )


def _rpcs(file: FileDescriptorProto) -> Iterator[Rpc]:
    for service in file.service:
        for method in service.method:
            yield _rpc(f"/{file.package}.{service.name}/{method.name}", file.package, method)


def _rpc(path: str, package: str, method: MethodDescriptorProto) -> Rpc:
    access = method.options.Extensions[options_pb2.access]
    owner = options_pb2.Access.Owner.Name(access.owner).removeprefix("OWNER_")
    interval = access.rate_limit.interval.ToTimedelta().total_seconds()
    return Rpc(
        path=path,
        area=package.split(".")[1],
        request=method.input_type.removeprefix("."),
        public=access.public,
        roles=frozenset(access.roles),
        owner="" if owner == "UNSPECIFIED" else owner,
        owner_field=access.owner_field,
        bindings=tuple(_bindings(method.options)),
        client_streams=method.client_streaming,
        server_streams=method.server_streaming,
        safe=method.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS,
        interval=interval if access.HasField("rate_limit") else 0.0,
        requests=access.rate_limit.requests,
        request_bytes=access.max_request_bytes,
    )


def _bindings(options: MethodOptions) -> Iterator[Binding]:
    if not options.HasExtension(annotations_pb2.http):
        return
    rule = options.Extensions[annotations_pb2.http]
    for one in (rule, *rule.additional_bindings):
        for verb in ("get", "put", "post", "delete", "patch"):
            if template := getattr(one, verb):
                yield Binding(verb.upper(), template, one.body)
        if one.custom.path:
            yield Binding(one.custom.kind, one.custom.path, one.body)


def _held(role: str, includes: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [role]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += includes.get(name, ())
    return frozenset(found)


def _messages(files: Iterable[FileDescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
    for file in files:
        yield from _nested(file.package, file.message_type)


def _nested(
    prefix: str, messages: Iterable[DescriptorProto]
) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{prefix}.{message.name}"
        yield name, message
        yield from _nested(name, message.nested_type)
