"""What a person reads while the platform starts slowly."""

from dataclasses import replace

import pytest

from stack.component import Task
from stack.journal import Entry
from stack.news import News
from tests.unit.stack.platforms import at_once, sleeper

NODES = (
    replace(sleeper("keycloak"), start_timeout=300),
    Task(name="realm", run=at_once, after=("keycloak",)),
    replace(sleeper("orders-api-1"), start_timeout=300, timed_after=("realm",)),
)


class Start:
    """A start whose clock is moved by hand, a second a reminder, as `break_silence` does."""

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.news = News(NODES, self.said.append, lambda: self.now)

    def enter(self, name: str, phase: str) -> None:
        self.news.report(Entry(name, "component", phase), "")

    def wait(self, seconds: int) -> list[str]:
        before = len(self.said)
        for _ in range(seconds):
            self.now += 1
            self.news.remind()
        return self.said[before:]


@pytest.fixture
def start() -> Start:
    return Start()


def test_what_does_not_change_is_said_once_a_minute_with_its_time(start: Start) -> None:
    start.enter("keycloak", "preparing")
    assert start.wait(130) == [
        "  waiting for keycloak (preparing its files and caches, 11s)",
        "  waiting for keycloak (preparing its files and caches, 1m12s)",
    ]


def test_a_change_is_said_after_a_short_silence_with_how_long_it_may_take(start: Start) -> None:
    start.enter("keycloak", "preparing")
    start.wait(11)
    start.enter("keycloak", "starting")
    assert start.wait(11) == ["  waiting for keycloak (starting, 11s of at most 5m00s)"]


def test_a_service_is_awaited_only_once_its_own_time_counts(start: Start) -> None:
    start.enter("orders-api-1", "starting")
    start.enter("keycloak", "starting")
    assert start.wait(11) == ["  waiting for keycloak (starting, 11s of at most 5m00s)"]
    start.enter("keycloak", "ready")
    start.enter("realm", "running")
    assert start.wait(11)[-1] == "  waiting for realm (running, 11s of at most 3m00s)"
    start.enter("realm", "done")
    assert start.wait(11)[-1] == "  waiting for orders-api-1 (starting, 11s of at most 5m00s)"


def test_nothing_is_said_while_lines_come_or_all_is_up(start: Start) -> None:
    start.enter("keycloak", "starting")
    assert start.wait(9) == []
    start.enter("keycloak", "ready")
    assert start.wait(300) == []
