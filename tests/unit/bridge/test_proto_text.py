"""What the registry gets of a proto file."""

from typing import Any

import pytest
from google.protobuf import struct_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

from bridge.errors import Internal
from bridge.registry.proto_text import imports_of, text_of
from causeway.inventory.v1 import events_pb2 as inventory
from causeway.notifications.v1 import events_pb2 as notifications
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from tests.event_protos import protos

SHAPES = """
syntax = "proto3";
package t.shapes.v1;
import "causeway/options/v1/options.proto";
import "google/protobuf/timestamp.proto";
import "google/type/money.proto";
option java_package = "com.example";
enum Colour {
  option allow_alias = true;
  reserved 5 to 7;
  COLOUR_UNSPECIFIED = 0;
  RED = 1;
  CRIMSON = 1;
}
message Shape {
  option deprecated = true;
  option (causeway.options.v1.event) = { topic: "t" key: "id" stream: "shapes" };
  reserved 8, 20 to 30;
  reserved "gone";
  enum Kind { KIND_UNSPECIFIED = 0; }
  map<string, google.type.Money> prices = 2;
  message Inner { message Innermost { bytes data = 1; } Innermost deep = 1; }
  string id = 1;
  optional sint64 maybe = 3;
  oneof choice { Inner inner = 4; double number = 5; }
  repeated Kind kinds = 6 [packed = false];
  google.protobuf.Timestamp time = 7 [json_name = "when"];
  string plain_name = 9 [deprecated = true];
  Colour colour = 10;
}
"""
PATH = "t/shapes/v1/events.proto"
FILES: list[FileDescriptor] = [
    orders.DESCRIPTOR,
    users.DESCRIPTOR,
    notifications.DESCRIPTOR,
    inventory.DESCRIPTOR,
    struct_pb2.DESCRIPTOR,
    protos({PATH: SHAPES}).file(PATH),
]


def keep_standard(message: DescriptorProto) -> None:
    message.field.sort(key=lambda field: field.number)
    holders: list[Any] = [message, *message.field]
    for holder in holders:
        for option, _ in holder.options.ListFields() if holder.HasField("options") else ():
            if option.is_extension:
                holder.options.ClearExtension(option)
        if not holder.options.ByteSize():
            holder.ClearField("options")
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        keep_standard(nested)


def what_a_reader_needs(file: FileDescriptor) -> FileDescriptorProto:
    """All but custom options and the imports that they take."""
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    del proto.dependency[:]
    proto.options.ClearField("cc_enable_arenas")
    if not proto.options.ByteSize():
        proto.ClearField("options")
    for message in proto.message_type:
        keep_standard(message)
    return proto


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_text_compiles_to_what_it_was_written_from(file: FileDescriptor) -> None:
    path = "written/events.proto"
    written = protos({path: text_of(file)})
    again = what_a_reader_needs(written.file(path))
    again.name = file.name
    assert again == what_a_reader_needs(file)


def test_a_json_name_of_its_own_is_kept() -> None:
    assert 'time = 7 [json_name = "when"];' in text_of(FILES[-1])


def test_only_files_whose_types_are_used_are_imported() -> None:
    assert [used.name for used in imports_of(orders.DESCRIPTOR)] == ["google/type/money.proto"]
    assert imports_of(inventory.DESCRIPTOR) == ()
    assert [used.name for used in imports_of(FILES[-1])] == [
        "google/protobuf/timestamp.proto",
        "google/type/money.proto",
    ]


def test_a_custom_option_is_no_part_of_a_schema() -> None:
    assert "causeway.options" in SHAPES
    for file in FILES:
        assert "options.v1" not in text_of(file)
        assert "validate" not in text_of(file)


def test_a_file_that_is_not_proto3_is_refused() -> None:
    old = 'syntax = "proto2"; package t.old.v1; message Old { required string id = 1; }'
    with pytest.raises(Internal, match="not proto3"):
        text_of(protos({PATH: old}).file(PATH))
