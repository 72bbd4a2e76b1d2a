"""A producer is abandoned whatever its client says to that."""

import pytest

from bridge.kafka.errors import KafkaError
from bridge.kafka.producer import Producer
from bridge.kafka.settings import KafkaSettings


@pytest.mark.parametrize("error", [TimeoutError(), KafkaError(), KeyError("a batch")])
async def test_a_client_that_fails_to_stop_is_closed(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = Producer(KafkaSettings("127.0.0.1:1"))
    closed: list[bool] = []

    async def stop() -> None:
        raise error

    async def close() -> None:
        closed.append(True)

    with monkeypatch.context() as patched:
        patched.setattr(producer._producer, "stop", stop)
        patched.setattr(producer._producer.client, "close", close)
        await producer.abandon()
    assert closed
    await producer.close()
