"""The gate judges the protos that are there, not those of the last `make generate`."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from stack.errors import Code, StackError
from stack.generated import modules_aside, require_generated


def test_modules_that_follow_the_protos_are_judged() -> None:
    require_generated()


def test_modules_that_are_older_than_the_protos_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "left_over_pb2.py").touch()
    monkeypatch.setattr("gateway.generate.PROTOS", tmp_path)
    monkeypatch.setattr("stack.generated.GENERATE", (sys.executable, "-c", ""))
    with pytest.raises(StackError) as refused:
        require_generated()
    assert refused.value.code is Code.NOT_GENERATED
    assert refused.value.next_command == "make generate"
    assert refused.value.detail == "left_over_pb2.py"


def test_a_module_of_todays_protos_is_imported_before_it_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writing = (
        "import pathlib, sys; place = pathlib.Path(sys.argv[1]) / 'causeway'; place.mkdir(); "
        "(place / 'new_pb2.py').write_text('NEW = True')"
    )
    monkeypatch.setattr("stack.generated.GENERATE", (sys.executable, "-c", writing))
    with modules_aside():
        assert import_module("causeway.new_pb2").NEW
    monkeypatch.delitem(sys.modules, "causeway.new_pb2")
    with pytest.raises(ModuleNotFoundError):
        import_module("causeway.new_pb2")


def test_what_protoc_refuses_is_told_in_its_words_and_is_to_be_corrected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing = "import sys; sys.exit('order_service.proto:35:32: Expected \")\".')"
    monkeypatch.setattr("stack.generated.GENERATE", (sys.executable, "-c", refusing))
    with pytest.raises(StackError) as refused, modules_aside():
        pass
    assert refused.value.code is Code.MODEL_REFUSED
    assert refused.value.next_command.startswith("causeway compile --dry-run")
    assert refused.value.detail == 'order_service.proto:35:32: Expected ")".'
