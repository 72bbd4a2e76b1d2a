"""How a REST stream arrives: as the caller asked for it, at once, alive, and in bounds."""

import time

import psutil
import pytest

from tests.integration.edge.bench import Replica, Running
from tests.integration.edge.streams.kit_backend import HEARTBEAT
from tests.integration.edge.streams.reading import NDJSON, SSE, opened, records


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (NDJSON, NDJSON),
        ("Application/X-NDJSON;q=1, */*", NDJSON),
        (SSE, SSE),
        (f"{SSE}, {NDJSON}", SSE),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
    ],
)
def test_accept_decides(streams: Running, operator: str, accept: str, kind: str) -> None:
    with opened(streams, "7", accept, operator) as answer:
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        assert next(records(answer))["order"]["name"] == "orders/7"


@pytest.mark.parametrize("accept", [NDJSON, SSE])
def test_accept_changes_no_other_answer(streams: Running, operator: str, accept: str) -> None:
    for path, status in (("/v1/orders/7", 200), ("/v1/orders/7/8", 404)):
        answer = streams.rest("GET", path, operator, headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")


@pytest.mark.parametrize("accept", [NDJSON, SSE])
def test_a_quiet_stream_gives_signs_of_life(streams: Running, operator: str, accept: str) -> None:
    with opened(streams, "quiet", accept, operator) as answer:
        found = [(next(told), time.monotonic()) for told in [records(answer)] for _ in range(5)]
    beats = [(record, at) for record, at in found if "heartbeat" in record]
    assert [record["resumeToken"] for record, _ in beats] == ["2", "2", "2"]
    assert beats[-1][1] - beats[0][1] > HEARTBEAT  # they come as they are written


def test_a_stream_with_nothing_to_say_is_seen_to_be_open(streams: Running, operator: str) -> None:
    begun = time.monotonic()
    with opened(streams, "silent", SSE, operator) as answer:
        assert answer.status_code == 200
        assert "heartbeat" in next(records(answer))
    assert time.monotonic() - begun < 10


def test_a_slow_reader_costs_a_bounded_amount_of_memory(
    streams: Running, service: Replica, operator: str
) -> None:
    processes = [psutil.Process(p.pid) for p in (streams.process, service.process)]
    before = [process.memory_info().rss for process in processes]
    with opened(streams, "flood", NDJSON, operator):
        time.sleep(2)  # unread: without bounds some 100 MB a second
        after = [process.memory_info().rss for process in processes]
    grown = [(b - a) / 1e6 for a, b in zip(before, after, strict=True)]
    assert max(grown) < 30, f"MB: edge, service {grown}"
    # And others are served meanwhile.
    assert streams.rest("GET", "/v1/orders/7", operator).status_code == 200
