"""Reads a stream over REST as a client does: lines of JSON, or Server-Sent Events."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx_sse

from tests.integration.edge.bench import Running

NDJSON = "application/x-ndjson"
SSE = "text/event-stream"


@contextmanager
def opened(
    edge: Running, order: str, accept: str, token: str = "", **headers: str
) -> Iterator[httpx.Response]:
    """An open `:watch` of the order; in header names `_` stands for a dash."""
    sent = {"accept": accept} | {name.replace("_", "-"): it for name, it in headers.items()}
    if token:
        sent["authorization"] = f"Bearer {token}"
    with (
        httpx.Client(timeout=20) as client,
        client.stream("GET", f"{edge.url}/v1/orders/{order}:watch", headers=sent) as answer,
    ):
        yield answer


def records(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """Each record when it arrives, in either style."""
    if answer.headers["content-type"] == SSE:
        for event in httpx_sse.EventSource(answer).iter_sse():
            yield event.json()
    else:
        for line in answer.iter_lines():
            yield json.loads(line)


def last_record(edge: Running, order: str, accept: str, token: str) -> tuple[Any, float]:
    """The last record, and when it came."""
    with opened(edge, order, accept, token) as answer:
        *_, last = records(answer)
        return last, time.time()
