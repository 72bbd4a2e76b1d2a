"""The producer takes the leader's word: what no follower has yet dies with the leader."""

from functools import partial

from aiokafka import AIOKafkaProducer

from bridge.kafka import producer


def plant() -> None:
    producer.AIOKafkaProducer = _careless  # type: ignore[attr-defined]


def _careless(**options: object) -> AIOKafkaProducer:
    return partial(AIOKafkaProducer, **options)(acks=1, enable_idempotence=False)
