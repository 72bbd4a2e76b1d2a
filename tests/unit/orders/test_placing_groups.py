"""Whose orders are placed together: nobody can keep the others out."""

from collections import deque
from collections.abc import Callable

import pytest

from bridge.errors import InvalidArgument
from bridge.events.event import Origin
from bridge.store.repeats import Repeats
from services.orders.placing import Asked, _Call, _next


def asking(caller: str, request_id: str = "") -> Callable[[], Asked]:
    return lambda: Asked(caller, [], Repeats(caller, "/m", request_id, b""), Origin())


async def test_who_repeats_one_request_waits_behind_the_others() -> None:
    waiting = deque(_Call(asking("alice", "same")) for _ in range(40))
    waiting.extend(_Call(asking("bob")) for _ in range(20))
    waiting.append(_Call(asking("carol", "same")))
    first = _next(waiting)
    assert [call.asked and call.asked.customer for call in first] == (
        ["alice"] + ["bob"] * 20 + ["carol"]
    )
    assert len(waiting) == 39
    assert len(_next(waiting)) == 1


async def test_a_request_is_read_once_however_often_it_waits() -> None:
    read: list[str] = []

    def ask() -> Asked:
        read.append("")
        return asking("alice", "same")()

    waiting = deque(_Call(ask) for _ in range(3))
    while waiting:
        _next(waiting)
    assert len(read) == 3


async def test_a_wrong_request_is_told_so_and_is_in_no_group() -> None:
    def wrong() -> Asked:
        raise InvalidArgument("wrong")

    bad, gone, good = _Call(wrong), _Call(asking("gone")), _Call(asking("bob"))
    gone.outcome.cancel()
    assert _next(deque([bad, gone, good])) == [good]
    with pytest.raises(InvalidArgument):
        await bad.outcome


async def test_requests_that_take_long_to_read_leave_others_of_the_process_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.orders.placing.TURN", -1.0)
    waiting = deque(_Call(asking("bob")) for _ in range(3))
    assert [len(_next(waiting)), len(waiting)] == [1, 2]
