"""A replay is followed to its end; Ctrl-C leaves it running and says how to look again."""

from collections.abc import AsyncIterator

import pytest

from causeway.bridge.v1.operations_service_pb2 import Replay
from stack.audit import follow
from stack.errors import Code, StackError

BEGUN = Replay(name="replays/r1", state=Replay.STATE_PENDING, events_total=10)


def ending(
    monkeypatch: pytest.MonkeyPatch, *states: "Replay.State.ValueType", error: str = ""
) -> None:
    """The API shows these states, one a look."""

    async def followed(name: str, *_: object) -> AsyncIterator[Replay]:
        for number, state in enumerate(states):
            yield Replay(name=name, state=state, events_done=number, events_total=10, error=error)

    monkeypatch.setattr(follow, "followed", followed)


def test_each_change_of_state_is_a_line_and_the_last_is_the_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending(
        monkeypatch,
        Replay.STATE_PENDING,
        Replay.STATE_RUNNING,
        Replay.STATE_RUNNING,
        Replay.STATE_SUCCEEDED,
    )
    assert follow.follow(BEGUN, "root", None).state == Replay.STATE_SUCCEEDED
    assert capsys.readouterr().err.splitlines() == [
        "replays/r1 pending, 0 of 10 events",
        "replays/r1 running, 1 of 10 events",
        "replays/r1 succeeded, 3 of 10 events",
    ]


@pytest.mark.parametrize("state", [Replay.STATE_FAILED, Replay.STATE_CANCELLED])
def test_a_replay_that_does_not_succeed_is_an_error(
    monkeypatch: pytest.MonkeyPatch, state: "Replay.State.ValueType"
) -> None:
    ending(monkeypatch, state, error="NOT_A_PROJECTION")
    with pytest.raises(StackError) as caught:
        follow.follow(BEGUN, "root", None)
    assert caught.value.code is Code.REPLAY_FAILED
    assert "NOT_A_PROJECTION" in caught.value.cause
    assert caught.value.next_command == "causeway replay status r1"


def test_an_interrupt_ends_the_program_and_says_how_to_see_and_to_stop_the_replay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def followed(*_: object) -> AsyncIterator[Replay]:
        yield BEGUN
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "followed", followed)
    with pytest.raises(SystemExit) as ended:
        follow.follow(BEGUN, "root", None)
    assert ended.value.code == 130
    told = capsys.readouterr().err
    assert "causeway replay status r1" in told
    assert "causeway replay cancel r1" in told
