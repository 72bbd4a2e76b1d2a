"""Asking the cluster a question that any broker can answer."""

import random
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.api import Request


async def ask_any(client: AIOKafkaClient, request: Request[Any]) -> tuple[int, Any]:
    """Send `request` to one known broker after the other until one answers: its id, its answer.

    A broker that just died is known until the next metadata. Only for requests that may be
    carried out twice. Raises the last KafkaError or OSError if none answers.
    """
    last: Exception = KafkaConnectionError("no broker is known")
    nodes = [broker.nodeId for broker in client.cluster.brokers()]
    random.shuffle(nodes)
    for node in nodes:
        try:
            return node, await client.send(node, request)
        except (KafkaError, OSError) as error:
            last = error
    raise last
