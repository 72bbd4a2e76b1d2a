"""Descriptors → Model. Every mistake is collected, then raised at once as ModelError."""

from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
    MethodOptions,
)

from gateway import rules
from gateway.descriptors import EVENTS_FILE, Descriptors
from gateway.errors import ModelError, Problem
from gateway.locations import Locations
from gateway.model import (
    Access,
    Binding,
    Event,
    Idempotency,
    Method,
    Model,
    Owner,
    RateLimit,
    Role,
    Service,
    Streaming,
)
from gateway.placing import placed

BRIDGE = "bridge"
"""Owns the topics of packages without a service: events that come from outside."""

_STREAMING = {
    (False, False): Streaming.UNARY,
    (False, True): Streaming.SERVER,
    (True, False): Streaming.CLIENT,
    (True, True): Streaming.BIDI,
}


def read_model(descriptors: Descriptors) -> Model:
    """Build the model. Raises ModelError with every rule that the protos break."""
    problems: list[Problem] = []
    sources = rules.Sources()
    files = list(descriptors.platform_files())
    roles = tuple(role for file in files for role in _roles(file, sources))
    services = tuple(service for file in files for service in _services(file, sources, problems))
    areas = {service.area for service in services}
    events = tuple(event for file in files for event in _events(file, areas, sources, problems))
    locations = Locations(descriptors.files.file)
    model = Model(
        roles=roles,
        services=services,
        events=events,
        descriptors=descriptors.binary,
        comments=locations.comments(),
        texts={event.file: descriptors.texts.get(event.file, "") for event in events},
    )
    problems += rules.check(model, descriptors, sources)
    if problems:
        raise ModelError([*placed(problems, locations, sources)])
    return model


def area_of(package: str) -> str:
    """`causeway.orders.v1` → `orders`."""
    return package.split(".")[1]


def _roles(file: FileDescriptorProto, sources: rules.Sources) -> Iterator[Role]:
    from causeway.options.v1 import options_pb2

    for declared in file.options.Extensions[options_pb2.role]:
        sources.roles.append((declared.name, file.name))
        yield Role(declared.name, tuple(declared.includes), declared.description)


def _services(
    file: FileDescriptorProto, sources: rules.Sources, problems: list[Problem]
) -> Iterator[Service]:
    for service in file.service:
        name = f"{file.package}.{service.name}"
        sources.files[name] = file.name
        methods = tuple(
            method
            for declared in service.method
            if (method := _method(file.name, name, declared, problems))
        )
        yield Service(name, area_of(file.package), methods)


def _method(
    file: str, service: str, method: MethodDescriptorProto, problems: list[Problem]
) -> Method | None:
    from causeway.options.v1 import options_pb2

    if not method.options.HasExtension(options_pb2.access):
        text = 'is missing: say who may call it, e.g. `= { roles: ["operator"] }`'
        problems.append(Problem(file, f"{service}.{method.name}", rules.ACCESS, text))
        return None
    return Method(
        service=service,
        name=method.name,
        access=_access(method.options),
        bindings=tuple(_bindings(method.options)),
        streaming=_STREAMING[method.client_streaming, method.server_streaming],
        idempotency=_idempotency(method.options),
        request=method.input_type.removeprefix("."),
        response=method.output_type.removeprefix("."),
    )


def _access(options: MethodOptions) -> Access:
    from causeway.options.v1 import options_pb2

    access = options.Extensions[options_pb2.access]
    owner = options_pb2.Access.Owner.Name(access.owner).removeprefix("OWNER_").lower()
    limit = None
    if access.HasField("rate_limit"):
        interval = access.rate_limit.interval.ToTimedelta().total_seconds()
        limit = RateLimit(access.rate_limit.requests, interval)
    timeout = access.timeout.ToTimedelta().total_seconds() if access.HasField("timeout") else None
    return Access(
        public=access.public,
        roles=tuple(access.roles),
        owner=Owner.NONE if owner == "unspecified" else Owner(owner),
        owner_field=access.owner_field,
        rate_limit=limit,
        max_request_bytes=access.max_request_bytes or None,
        timeout=timeout,
    )


def _bindings(options: MethodOptions) -> Iterator[Binding]:
    from google.api import annotations_pb2

    if not options.HasExtension(annotations_pb2.http):
        return
    first = options.Extensions[annotations_pb2.http]
    for rule in (first, *first.additional_bindings):
        pattern = rule.WhichOneof("pattern")
        if pattern == "custom":
            yield Binding(rule.custom.kind, rule.custom.path, rule.body)
        elif pattern:
            yield Binding(pattern.upper(), getattr(rule, pattern), rule.body)


def _idempotency(options: MethodOptions) -> Idempotency:
    if options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS:
        return Idempotency.NO_SIDE_EFFECTS
    if options.idempotency_level == MethodOptions.IDEMPOTENT:
        return Idempotency.IDEMPOTENT
    return Idempotency.UNKNOWN


def _events(
    file: FileDescriptorProto, areas: set[str], sources: rules.Sources, problems: list[Problem]
) -> Iterator[Event]:
    from causeway.options.v1 import options_pb2

    for message in file.message_type:
        name = f"{file.package}.{message.name}"
        if message.options.HasExtension(options_pb2.event):
            sources.files[name] = file.name
            yield _event(file, name, message, areas)
        elif file.name.endswith(f"/{EVENTS_FILE}"):
            text = (
                f"is missing: every top-level message of an {EVENTS_FILE} is an event; give it "
                "topic, key and stream, or nest it in the event that uses it"
            )
            problems.append(Problem(file.name, name, rules.EVENT, text))


def _event(
    file: FileDescriptorProto, name: str, message: DescriptorProto, areas: set[str]
) -> Event:
    from causeway.options.v1 import options_pb2

    event = message.options.Extensions[options_pb2.event]
    area = area_of(file.package)
    return Event(
        name=name,
        topic=event.topic,
        key=event.key,
        stream=event.stream,
        owner=area if area in areas else BRIDGE,
        file=file.name,
        publish_roles=tuple(event.publish_roles),
        subscribe_roles=tuple(event.subscribe_roles),
    )
