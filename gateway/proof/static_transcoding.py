"""The transcoder: every REST binding leads to exactly its method, and to nothing else."""

import base64
import binascii
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import Deployed
from gateway.proof.shape import REMEDY, Maybe, anything, findings, packed
from gateway.proof.static_filters import JSON_BYTES
from gateway.proof.surface import Rpc, Surface, surface
from gateway.proof.templates import same_shape

_STRICT = (
    "reject_unknown_method",
    "reject_unknown_query_parameters",
    "reject_binding_body_field_collisions",
)
_PRINTED = {
    "always_print_primitive_fields",
    "stream_newline_delimited",
    "stream_sse_style_delimited",
}
_SHAPE = packed(
    "GrpcJsonTranscoder",
    proto_descriptor_bin=anything,  # read below, as the services are
    services=anything,
    auto_mapping=Maybe(False),
    convert_grpc_status=True,
    query_param_unescape_plus=True,
    request_validation_options=dict.fromkeys(_STRICT, True),
    print_options=lambda told: set(told) <= _PRINTED,
    max_request_body_size=JSON_BYTES,
    max_response_body_size=anything,
)


def check_transcoding(transcoder: Json, where: str, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which the transcoder maps more, less or elsewhere than the protos say."""
    yield from findings(where, transcoder, _SHAPE)
    wanted = {rpc.path.split("/")[1] for rpc in deployed.surface.rpcs}
    for name in set(transcoder.get("services", [])) ^ wanted:
        text = (
            "is transcoded and is no service of the protos" if name not in wanted else "is left out"
        )
        yield Finding(where, f"{name} {text}", REMEDY)
    try:
        told = surface(base64.b64decode(transcoder.get("proto_descriptor_bin", ""), validate=True))
    except (DecodeError, binascii.Error):
        yield Finding(where, "its descriptors can't be read", REMEDY)
        return
    for message in {str(one[0]) for one in _fields(told) ^ _fields(deployed.surface)}:
        yield Finding(where, f"knows {message} with other fields", REMEDY)
    yield from _bindings(where, told.rpcs, deployed.surface.rpcs)
    yield from _collisions(where, told.rpcs)


def _fields(promise: Surface) -> set[tuple[object, ...]]:
    """Every field of every message, as far as it matters to who reads JSON."""
    return {
        (message, field.name, field.number, field.type, field.label, field.type_name)
        for message, declared in promise.messages.items()
        for field in declared.field
    }


def _bindings(where: str, told: tuple[Rpc, ...], wanted: tuple[Rpc, ...]) -> Iterator[Finding]:
    theirs = {rpc.path: rpc for rpc in told}
    ours = {rpc.path: rpc for rpc in wanted}
    for path in sorted(theirs.keys() | ours.keys()):
        there = set(theirs[path].bindings) if path in theirs else set()
        here = set(ours[path].bindings) if path in ours else set()
        for extra in there - here:
            text = f"{extra.verb} {extra.template} leads to {path}, which the proto does not say"
            yield Finding(where, text, REMEDY)
        for lost in here - there:
            yield Finding(where, f"{lost.verb} {lost.template} does not lead to {path}", REMEDY)


def _collisions(where: str, rpcs: tuple[Rpc, ...]) -> Iterator[Finding]:
    all_ = [(rpc, one) for rpc in rpcs for one in rpc.bindings]
    for number, (rpc, one) in enumerate(all_):
        for other, two in all_[number + 1 :]:
            if same_shape(one, two):
                text = f"{one.verb} {one.template} leads to both {rpc.path} and {other.path}"
                yield Finding(where, text, "give one of them another path in its proto")
