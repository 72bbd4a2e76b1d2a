"""`status` says what it does not know, and why, instead of showing none; and what waits."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from bridge.kafka import admin
from stack import backlog, partitions
from stack.backlog import Waiting
from stack.commands.status import status
from stack.health import Seen
from stack.identity import Identity, birth_of
from stack.journal import Record, write
from stack.platform import Platform
from stack.settings import load_settings
from stack.status_text import status_text


@pytest.fixture(autouse=True)
def _running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without processes, whose brokers refuse the question."""

    def refuse(_: object) -> object:
        raise ConnectionError("no broker will talk")

    monkeypatch.setenv("CAUSEWAY_STATE", str(tmp_path))
    monkeypatch.setattr(Platform, "components", [])
    monkeypatch.setattr(Platform, "ports", {"kafka_1": 9092})
    monkeypatch.setattr(admin, "open_admin", refuse)
    me = Identity(os.getpid(), birth_of(os.getpid()) or "", "run")
    ports = load_settings().port.model_dump()
    write(tmp_path, Record(supervisor=me, phase="running", ports=ports))


def test_unknown_partitions_have_their_reason_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        status(as_json=True)
    assert ended.value.exit_code == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["partitions"], answer["partitions_error"]) == ([], "no broker will talk")


def test_unknown_partitions_have_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        status(as_json=False)
    assert "the partitions are unknown: no broker will talk" in capsys.readouterr().out


def _waits(monkeypatch: pytest.MonkeyPatch, *found: Waiting, unknown: str = "") -> None:
    async def waiting(_: Platform) -> tuple[list[Waiting], str]:
        return list(found), unknown

    async def none(_: Platform) -> tuple[list[object], str]:
        return [], ""

    monkeypatch.setattr(backlog, "waiting", waiting)
    monkeypatch.setattr(partitions, "partitions", none)


PARKED = Waiting(
    "users",
    "causeway.users.credit",
    2,
    datetime(2026, 11, 26, 9, tzinfo=UTC),
    "causeway deadletters list --group causeway.users.credit",
)


def test_parked_events_are_a_warning_with_the_next_command_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _waits(monkeypatch, PARKED)
    status(as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "warning: 2 events of causeway.users.credit parked, the oldest since 2026-11-26 09:00:00"
        " UTC: causeway deadletters list --group causeway.users.credit"
    )
    status(as_json=True)
    assert json.loads(capsys.readouterr().out)["waiting"] == [
        {
            "kind": "parked",
            "store": "users",
            "group": "causeway.users.credit",
            "count": 2,
            "oldest": "2026-11-26T09:00:00+00:00",
            "next": "causeway deadletters list --group causeway.users.credit",
        }
    ]


def test_what_waits_is_called_unknown_where_the_databases_do_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _waits(monkeypatch, unknown="connection refused")
    for as_json in (False, True):
        with pytest.raises(typer.Exit) as ended:
            status(as_json=as_json)
        assert ended.value.exit_code == 1
        assert "connection refused" in capsys.readouterr().out


def test_a_part_that_starts_has_a_line_and_one_that_is_down_its_log() -> None:
    words = ["its last words"]
    seen = [
        Seen("orders-api-1", up=False, phase="starting", pid=1, uptime=1.0, restarts=0,
             reason="its health is NOT_SERVING", log_tail=words),
        Seen("edge", up=False, phase="down", pid=None, uptime=None, restarts=1,
             reason="exit code 1", log_tail=words),
    ]  # fmt: skip
    text = status_text(Record(Identity(1, "", "run")), seen, [], "")
    assert (
        "orders-api-1 is starting: its health is NOT_SERVING   (causeway logs orders-api-1)" in text
    )
    assert text.count("| its last words") == 1
    assert "edge: exit code 1\n  | its last words" in text
