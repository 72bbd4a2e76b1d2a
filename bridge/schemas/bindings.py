"""The ways that a method has over REST (google.api.http), of which `buf breaking` sees nothing."""

from collections.abc import Iterator

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from bridge.schemas.problem import Problem

ADVICE = "put it back, and add what is new to its additional_bindings"


def binding_problems(
    released: FileDescriptorSet, today: FileDescriptorSet, ours: str
) -> Iterator[Problem]:
    """Name each released way that is gone, of methods in files whose path begins with `ours`.

    A method that is gone itself is not named: `buf breaking` does.
    """
    ways = dict(_ways(today, ours))
    for method, old in _ways(released, ours):
        for way in old:
            if way not in ways.get(method, old):
                yield Problem(method, f"is not at {way} any more", ADVICE)


def _ways(files: FileDescriptorSet, ours: str) -> Iterator[tuple[str, list[str]]]:
    for file in (one for one in files.file if one.name.startswith(ours)):
        for service in file.service:
            for method in service.method:
                name = f"{file.package}.{service.name}.{method.name}"
                rule = method.options.Extensions[annotations_pb2.http]
                yield name, list(_told(rule))


def _told(rule: HttpRule) -> Iterator[str]:
    """`POST /v1/orders, body order`, for a rule and its additional ones."""
    if verb := rule.WhichOneof("pattern"):
        custom = rule.custom
        way = f"{custom.kind} {custom.path}" if verb == "custom" else _plain(rule, verb)
        body = f", body {rule.body}" if rule.body else ""
        answer = f", answer {rule.response_body}" if rule.response_body else ""
        yield f"{way}{body}{answer}"
    for more in rule.additional_bindings:
        yield from _told(more)


def _plain(rule: HttpRule, verb: str) -> str:
    return f"{verb.upper()} {getattr(rule, verb)}"
