"""Kafka's errors by a name that needs no import of the client."""

from aiokafka.errors import KafkaError

__all__ = ["KafkaError"]
