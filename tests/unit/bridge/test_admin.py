"""A topic that was made is known to whichever broker is asked next."""

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.metadata import MetadataRequest

from bridge.kafka import admin
from bridge.kafka.admin import Admin, Topic

LATE, AWAY, NEVER = 2, 3, 4


class Client:
    """A cluster, of which one broker hears of a topic at the third time that it is asked."""

    def __init__(self, *brokers: int) -> None:
        self.asked: Counter[int] = Counter()
        nodes = [SimpleNamespace(nodeId=number) for number in brokers]
        self.cluster = SimpleNamespace(brokers=lambda: nodes)

    async def send(self, broker: int, request: object) -> Any:
        if not isinstance(request, MetadataRequest):
            return SimpleNamespace(topic_errors=[("new", 0, None)])
        self.asked[broker] += 1
        if broker == AWAY:
            raise NodeNotReadyError("away")
        known = broker not in (LATE, NEVER) or (broker == LATE and self.asked[broker] >= 3)
        return SimpleNamespace(topics=[(0, "new", False, [])] if known else [])


async def made_on(*brokers: int) -> Client:
    client = Client(*brokers)
    await Admin(cast(Any, client)).create_topics([Topic("new", 3, 3, {})])
    return client


async def test_a_topic_is_made_when_each_broker_that_answers_has_heard_of_it() -> None:
    client = await made_on(1, LATE, AWAY)
    assert client.asked == {1: 1, LATE: 3, AWAY: 1}


async def test_a_broker_that_never_hears_of_it_is_waited_for_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin, "HEARD", 0.2)
    client = await made_on(NEVER, 1)
    assert client.asked[NEVER] > 10
