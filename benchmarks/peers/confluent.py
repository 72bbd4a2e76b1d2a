"""`confluent_kafka`'s ProtobufSerializer, its registry answered from memory."""

from collections.abc import Callable
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.message import Message


def serializer(message: type[Message], topic: str) -> Callable[[Message], bytes]:
    """Make the function that encodes messages of one type for a topic."""
    registry = SchemaRegistryClient.new_client({"url": "mock://bench"})
    encode: Any = ProtobufSerializer(message, registry, {"use.deprecated.format": False})
    context = SerializationContext(topic, MessageField.VALUE)

    def serialize(value: Message) -> bytes:
        found: bytes = encode(value, context)
        return found

    return serialize
