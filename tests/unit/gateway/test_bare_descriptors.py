"""What the transcoder is given of the protos."""

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.descriptors import load
from gateway.envoy.bare_descriptors import bare

WHOLE = load().binary
BARE = FileDescriptorSet.FromString(bare(WHOLE))


def test_every_binding_stays() -> None:
    def bindings(files: FileDescriptorSet) -> list[str]:
        return [
            str(method.options.Extensions[annotations_pb2.http])
            for file in files.file
            for service in file.service
            for method in service.method
        ]

    assert bindings(BARE) == bindings(FileDescriptorSet.FromString(WHOLE))
    assert any(bindings(BARE))


def test_no_rule_role_or_behaviour_is_left() -> None:
    text = str(BARE)
    assert "[google.api.http]" in text
    assert text.replace("[google.api.http]", "").count("[") == 0
    assert "[buf.validate.field]" in str(FileDescriptorSet.FromString(WHOLE))


def test_the_types_are_the_same() -> None:
    whole = FileDescriptorSet.FromString(WHOLE)
    for file, same in zip(whole.file, BARE.file, strict=True):
        assert file.name == same.name
        for message, kept in zip(file.message_type, same.message_type, strict=True):
            fields = [(one.name, one.number, one.type, one.json_name) for one in message.field]
            assert fields == [(one.name, one.number, one.type, one.json_name) for one in kept.field]
