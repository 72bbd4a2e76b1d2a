"""How Confluent's own client reads a record, without a registry."""

from typing import Any

from google.protobuf.message import Message


def confluents_reading(topic: str, value: bytes, message: type[Message]) -> Any:
    """Decode `value`. With a registry client the deserializer would ask Apicurio for a format
    that it answers with 500."""
    from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    deserializer = ProtobufDeserializer(message, {"use.deprecated.format": False})
    return deserializer(value, SerializationContext(topic, MessageField.VALUE))
