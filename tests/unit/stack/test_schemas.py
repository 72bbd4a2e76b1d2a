"""`causeway schemas` where no registry is needed."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stack.cli import program
from stack.schemas import CORPUS


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAUSEWAY_STATE", str(tmp_path / "state"))


def causeway(*words: str) -> Result:
    return CliRunner().invoke(program(), ["schemas", *words])


def copied(folder: Path) -> Sequence[str]:
    target = folder / "corpus"
    shutil.copytree(CORPUS, target)
    return ("--corpus", str(target))


def test_events_and_api_are_compatible_with_what_was_released() -> None:
    answer = causeway("check")
    assert answer.exit_code == 0, answer.output
    assert "compatible with all that was released, the API with its" in answer.stdout
    assert "the registry was not asked: no platform runs" in answer.stdout


def test_a_program_reads_the_verdict_as_json() -> None:
    said = json.loads(causeway("check", "--json").stdout)
    assert (said["registry"], said["problems"]) == (None, [])


def test_an_incompatible_corpus_fails_with_what_to_do(tmp_path: Path) -> None:
    option = copied(tmp_path)
    released = tmp_path / "corpus" / "0001.json"
    released.write_text(released.read_text().replace("orders", "ordners"))
    answer = causeway("check", *option)
    assert answer.exit_code == 1
    assert "0001.json was changed after its release: put it back" in answer.stderr
    assert causeway("release", *option).exit_code == 1


def test_a_corpus_without_a_release_is_not_taken_for_a_yes(tmp_path: Path) -> None:
    answer = causeway("check", "--corpus", str(tmp_path))
    assert answer.exit_code == 1
    assert "holds no release: causeway schemas release" in answer.stderr


def test_a_release_is_added_once(tmp_path: Path) -> None:
    option = ("--corpus", str(tmp_path))
    assert "0001.json" in causeway("release", *option).stdout
    assert "nothing changed" in causeway("release", *option).stdout
    names = ["0001.json", "SHA256SUMS", "api.binpb.gz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert causeway("check", *option).exit_code == 0


def test_todays_events_are_what_the_last_release_holds_or_more(tmp_path: Path) -> None:
    """A released file is the text that today's code writes where nothing changed since."""
    causeway("release", "--corpus", str(tmp_path))
    newest = sorted(CORPUS.glob("[0-9]*.json"))[-1]
    fresh = json.loads((tmp_path / "0001.json").read_text())
    released = json.loads(newest.read_text())
    names = {one["type"] for one in released["events"]}
    assert names <= {one["type"] for one in fresh["events"]}
    assert len(released["samples"]) >= 3 * len(names)


@pytest.mark.parametrize("command", ["list", "register", "check", "release"])
def test_every_command_has_an_example(command: str) -> None:
    assert f"causeway schemas {command}" in " ".join(causeway(command, "--help").stdout.split())
