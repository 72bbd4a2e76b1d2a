"""How Confluent's own client writes and reads a record, without a registry."""

from typing import Any

from google.protobuf.message import Message


def confluents_writing(message: Message, schema_id: int) -> bytes:
    """Encode `message`; the registry is one in memory, whose id is replaced."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    registry = SchemaRegistryClient.new_client({"url": "mock://tests"})
    serializer: Any = ProtobufSerializer(type(message), registry, {"use.deprecated.format": False})
    value: bytes = serializer(message, SerializationContext("t", MessageField.VALUE))
    return value[:1] + schema_id.to_bytes(4, "big") + value[5:]


def confluents_reading(topic: str, value: bytes, message: type[Message]) -> Any:
    """Decode `value`. With a registry client the deserializer would ask Apicurio for a format
    that it answers with 500."""
    from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    deserializer = ProtobufDeserializer(message, {"use.deprecated.format": False})
    return deserializer(value, SerializationContext(topic, MessageField.VALUE))
