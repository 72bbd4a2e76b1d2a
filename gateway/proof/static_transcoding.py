"""The transcoder: every REST binding leads to exactly its method, and to nothing else."""

import base64
import binascii
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import Deployed
from gateway.proof.surface import Rpc, Surface, surface
from gateway.proof.templates import same_shape

REMEDY = "run causeway compile and publish what it writes"
_WIDER = (
    "auto_mapping",
    "ignore_unknown_query_parameters",
    "ignored_query_parameters",
    "match_incoming_request_route",
    "proto_descriptor",
)
_STRICT = (
    "reject_unknown_method",
    "reject_unknown_query_parameters",
    "reject_binding_body_field_collisions",
)


def check_transcoding(transcoder: Json, where: str, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which the transcoder maps more, less or elsewhere than the protos say."""
    for key in _WIDER:
        if transcoder.get(key):
            yield Finding(where, f"sets {key}: it takes more than the bindings", REMEDY)
    options = transcoder.get("request_validation_options", {})
    for key in _STRICT:
        if options.get(key) is not True:
            yield Finding(where, f"{key} is off", REMEDY)
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
