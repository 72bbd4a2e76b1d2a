"""`status` says that it does not know the partitions, and why, instead of showing none."""

import json
import os
from pathlib import Path

import pytest
import typer

from bridge.kafka import admin
from stack.commands.status import status
from stack.identity import Identity, birth_of
from stack.journal import Record, write
from stack.platform import Platform
from stack.settings import load_settings


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
