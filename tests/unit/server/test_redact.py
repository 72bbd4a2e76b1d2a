"""`debug_redact` is honoured at any depth."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from bridge.server.canonical import body_hash, holds_redacted


def secretive() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="s.proto", package="s", syntax="proto3")
    inner = file.message_type.add(name="Inner")
    hidden = inner.field.add(name="pin", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    hidden.options.debug_redact = True
    inner.field.add(name="id", number=2, type="TYPE_STRING", label="LABEL_OPTIONAL")
    outer = file.message_type.add(name="Outer")
    entry = outer.nested_type.add(name="ByNameEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    kinds = (
        ("one", "OPTIONAL", 1, ".s.Inner"),
        ("many", "REPEATED", 2, ".s.Inner"),
        ("by_name", "REPEATED", 3, ".s.Outer.ByNameEntry"),
        ("self", "OPTIONAL", 4, ".s.Outer"),
    )
    value = {"type": "TYPE_MESSAGE", "type_name": ".s.Inner", "label": "LABEL_OPTIONAL"}
    entry.field.add(name="value", number=2, **value)
    for name, label, number, type_name in kinds:
        outer.field.add(
            name=name, number=number, type="TYPE_MESSAGE", type_name=type_name,
            label=f"LABEL_{label}",
        )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("s.Outer"))


def filled(outer: Any, pin: str, name: str = "x") -> Any:
    message = outer()
    message.one.pin, message.one.id = pin, name
    message.many.add(pin=pin, id=name)
    message.by_name["k"].pin = pin
    message.by_name["k"].id = name
    message.self.one.pin = pin
    return message


def test_hidden_fields_in_lists_maps_and_below_are_left_out() -> None:
    outer = secretive()
    assert holds_redacted(outer.DESCRIPTOR)
    assert body_hash(filled(outer, "1234")) == body_hash(filled(outer, "9999"))
    assert body_hash(filled(outer, "1234")) != body_hash(filled(outer, "1234", "y"))
