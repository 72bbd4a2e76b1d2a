"""The only place that talks to Kafka's client library."""

from bridge.kafka.settings import KafkaSettings

__all__ = ["KafkaSettings"]
