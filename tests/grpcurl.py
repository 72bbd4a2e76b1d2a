"""What a line of grpcurl does, without Go: the same words, the same inputs, by reflection.

Any word that is not known here is an error, so that no recipe passes by luck. grpcurl's own manual:
https://github.com/fullstorydev/grpcurl.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

Metadata = tuple[tuple[str, str], ...]
CODES = 64
"""grpcurl's exit code is this and gRPC's number."""


class _Words(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"grpcurl: {message}")


def _words() -> argparse.ArgumentParser:
    words = _Words(prefix_chars="-", allow_abbrev=False, add_help=False)
    words.add_argument("-plaintext", action="store_true", required=True)
    words.add_argument("-H", action="append", default=[], dest="headers")
    words.add_argument("-d", default="", dest="data")
    words.add_argument("-max-time", type=float)
    words.add_argument("address")
    words.add_argument("symbol")
    words.add_argument("described", nargs="?")
    return words


def grpcurl(arguments: Sequence[str]) -> tuple[int, str]:
    """The exit code, and what it prints. ValueError for words that it has no meaning for."""
    given = _words().parse_args(arguments)
    metadata = tuple(_header(line) for line in given.headers)
    with grpc.insecure_channel(given.address) as channel:
        database = ProtoReflectionDescriptorDatabase(
            grpc.intercept_channel(channel, _Headers(metadata))
        )
        if given.symbol == "list":
            return 0, "\n".join(sorted(database.get_services())) + "\n"
        pool = DescriptorPool(database)
        if given.symbol == "describe":
            # grpcurl writes source; what counts is that the server can tell of it.
            return 0, f"{given.described} is a service:\n{_described(pool, given.described)}\n"
        method = _method(pool, given.symbol)
        printed: list[str] = []
        try:
            answers = _call(channel, pool, method, given, metadata)
            printed.extend(json_format.MessageToJson(one, descriptor_pool=pool) for one in answers)
        except grpc.RpcError as error:
            code: Any = error.code()
            printed.append(f"ERROR:\n  Code: {code.name}\n  Message: {error.details()}")
            return CODES + code.value[0], "\n".join(printed) + "\n"
    return 0, "\n".join(printed) + "\n"


class _Headers(grpc.StreamStreamClientInterceptor):
    """Reflection is asked with the same headers."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def intercept_stream_stream(
        self, continuation: Callable[..., Any], client_call_details: Any, request_iterator: Any
    ) -> Any:
        details = _Details(client_call_details.method, self._metadata)
        return continuation(details, request_iterator)


class _Details(grpc.ClientCallDetails):
    def __init__(self, method: str, metadata: Metadata) -> None:
        self.method, self.metadata = method, metadata
        self.timeout = self.credentials = self.wait_for_ready = self.compression = None


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError(f"grpcurl: -H {line} is no header")
    return name.strip().lower(), value.strip()


def _described(pool: DescriptorPool, symbol: str) -> str:
    service = pool.FindServiceByName(symbol)
    return "\n".join(f"  rpc {method.name}" for method in service.methods)


def _method(pool: DescriptorPool, symbol: str) -> MethodDescriptor:
    service, _, name = symbol.partition("/")
    return pool.FindServiceByName(service).methods_by_name[name]


def _call(
    channel: grpc.Channel,
    pool: DescriptorPool,
    method: MethodDescriptor,
    given: argparse.Namespace,
    metadata: Metadata,
) -> Iterator[Message]:
    requests = [*_requests(pool, method, given.data)]
    answer = GetMessageClass(method.output_type)
    path = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming:
        # Without a stream of answers there is no method that takes one of requests.
        call: Any = channel.stream_stream(path, _serialized, answer.FromString)
        yield from call(iter(requests), timeout=given.max_time, metadata=metadata)
        return
    [request] = requests
    call = channel.unary_stream(path, _serialized, answer.FromString)
    yield from call(request, timeout=given.max_time, metadata=metadata)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _requests(pool: DescriptorPool, method: MethodDescriptor, text: str) -> Iterator[Message]:
    """One message for each JSON value of -d; without -d an empty one."""
    decoder, rest = json.JSONDecoder(), text.strip() or "{}"
    while rest:
        value, end = decoder.raw_decode(rest)
        request = GetMessageClass(method.input_type)()
        json_format.ParseDict(_masked(method, value), request, descriptor_pool=pool)
        yield request
        rest = rest[end:].lstrip()


def _masked(method: MethodDescriptor, value: dict[str, Any]) -> dict[str, Any]:
    """The request in proto3's JSON, whose masks are text: grpcurl's are messages, with `paths`."""
    masks = [
        field.camelcase_name
        for field in method.input_type.fields
        if field.message_type and field.message_type.full_name == FieldMask.DESCRIPTOR.full_name
        if field.camelcase_name in value
    ]
    for name in masks:
        if not isinstance(value[name], dict):
            raise ValueError(f"grpcurl: {name}: expecting start of JSON object: '{{'")  # noqa: TRY004
    return value | {name: FieldMask(**value[name]).ToJsonString() for name in masks}
