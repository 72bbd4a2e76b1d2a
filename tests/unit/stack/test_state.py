"""One platform per state directory, from its first second on, and what `down` says of the rest."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from stack import shutdown
from stack.errors import Code, StackError
from stack.identity import Identity, birth_of
from stack.journal import FILE, Entry, Record, read, write
from stack.shutdown import shut_down
from stack.state import already_running, make, opened
from tests.unit.stack.platforms import runs, wait_for

DEAD = Identity(2**22 - 7, "another boot:1", "run")


def _sleeping() -> tuple[subprocess.Popen[bytes], Identity]:
    process = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    return process, Identity(process.pid, birth_of(process.pid) or "", "run")


def _crashed(state: Path, *groups: Identity) -> None:
    make(state)
    entries = {str(n): Entry(str(n), "component", identity=one) for n, one in enumerate(groups)}
    write(state, Record(supervisor=DEAD, phase="running", entries=entries))


@pytest.mark.parametrize("remove", [False, True])
def test_a_lock_that_another_holds_without_a_record_keeps_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remove: bool
) -> None:
    monkeypatch.setattr(shutdown, "TRIES", 1)
    with opened(tmp_path / "state"):
        with pytest.raises(StackError) as raised:
            shut_down(tmp_path / "state", remove=remove)
        assert raised.value.code is Code.STOP_FAILED
        assert (tmp_path / "state" / "lock").exists()
    shut_down(tmp_path / "state", remove=remove)
    assert (tmp_path / "state").exists() is not remove


def test_a_dead_supervisor_is_not_named_as_the_one_that_runs(tmp_path: Path) -> None:
    _crashed(tmp_path)
    assert str(DEAD.pid) not in already_running(tmp_path).cause
    write(tmp_path, Record(supervisor=Identity(os.getpid(), birth_of(os.getpid()) or "", "run")))
    assert f"(process {os.getpid()})" in already_running(tmp_path).cause


def test_only_what_a_crash_left_running_is_counted_and_only_once(tmp_path: Path) -> None:
    process, alive = _sleeping()
    with process:
        _crashed(tmp_path, DEAD, alive)
        assert shut_down(tmp_path) == "ended 1 processes that a crash had left"
        wait_for(lambda: not runs(process.pid))
    record = read(tmp_path)
    assert record is not None
    assert (record.phase, record.groups()) == ("stopped", [])
    assert shut_down(tmp_path) == "nothing runs"


def test_a_record_of_a_later_version_is_read_without_what_it_adds(tmp_path: Path) -> None:
    _crashed(tmp_path, DEAD)
    fields = json.loads((tmp_path / FILE).read_text())
    fields["weather"] = fields["supervisor"]["mood"] = fields["entries"]["0"]["color"] = "fine"
    (tmp_path / FILE).write_text(json.dumps(fields))
    record = read(tmp_path)
    assert record is not None
    assert (record.supervisor, record.groups()) == (DEAD, [DEAD])


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"entries": [], "supervisor": {}}', "\udc80"])
def test_a_record_that_can_not_be_read_has_a_code_of_its_own(tmp_path: Path, text: str) -> None:
    make(tmp_path)
    (tmp_path / FILE).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StackError) as raised:
        shut_down(tmp_path, remove=True)
    assert raised.value.code is Code.RECORD_UNREADABLE
    assert (tmp_path / FILE).exists()
