"""`causeway compile` judges the protos that are there, and writes nothing before they are taken."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions

from causeway.options.v1 import options_pb2
from gateway.deployments import container
from gateway.descriptors import load
from gateway.generate import PROTOS
from stack import compiling
from stack.commands.compile import compile as command
from stack.errors import Code, StackError

GET_ORDER = "causeway.orders.v1.OrderService.GetOrder"
COPY = """\
import pathlib, shutil, sys
place = pathlib.Path(sys.argv[2]) / "causeway"
place.mkdir()
shutil.copy(sys.argv[1], place / "descriptors.binpb")
"""
Edited = Callable[[Callable[[MethodOptions], None]], None]


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The modules of a checkout: an old set, and one module that is no longer generated."""
    place = tmp_path / "protos" / "causeway"
    place.mkdir(parents=True)
    for name in ("descriptors.binpb", "left_over_pb2.py"):
        (place / name).write_text("old")
    monkeypatch.setattr("gateway.generate.PROTOS", tmp_path / "protos")
    return place


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, committed: Path) -> Edited:
    """Have protoc find GetOrder with other options than the committed files were made of."""

    def edit(change: Callable[[MethodOptions], None]) -> None:
        files = FileDescriptorSet()
        files.CopyFrom(load().files)
        for file in files.file:
            for service in file.service:
                for method in service.method:
                    if f"{file.package}.{service.name}.{method.name}" == GET_ORDER:
                        change(method.options)
        written = tmp_path / "set.binpb"
        written.write_bytes(files.SerializeToString())
        monkeypatch.setattr("stack.generated.GENERATE", (sys.executable, "-c", COPY, str(written)))

    return edit


def open_to_auditors(options: MethodOptions) -> None:
    options.Extensions[options_pb2.access].roles.append("auditor")


def test_a_dry_run_tells_what_an_edit_of_a_proto_would_change(
    edited: Edited, committed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(open_to_auditors)
    command(dry_run=True, apply=False)
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == [
        "would change protos/causeway/descriptors.binpb",
        "would change protos/causeway/left_over_pb2.py",
    ]
    assert "would change envoy/generated/rds.json" in told
    assert "would change docs/access.md" in told
    assert (committed / "descriptors.binpb").read_text() == "old"


def test_a_check_names_stale_modules_beside_the_files_that_differ(
    edited: Edited, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(open_to_auditors)
    with pytest.raises(SystemExit):
        compiling.check()
    told = capsys.readouterr().err.splitlines()
    assert "differs: protos/causeway/descriptors.binpb" in told
    assert "differs: docs/access.md" in told
    assert told[-1] == "next: causeway compile"


def test_modules_are_told_by_the_path_that_they_have_in_the_checkout(
    edited: Edited,
    committed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    edited(lambda _: None)
    monkeypatch.setattr("gateway.compile.write", lambda _: [])
    command(apply=False)
    told = [row.split()[1] for row in capsys.readouterr().out.splitlines()]
    assert told == ["protos/causeway/descriptors.binpb", "protos/causeway/left_over_pb2.py"]
    assert [path.name for path in committed.iterdir()] == ["descriptors.binpb"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_refused_protos_are_told_with_code_and_next_step_and_leave_the_modules(
    edited: Edited, committed: Path, dry_run: bool
) -> None:
    edited(lambda options: options.ClearExtension(options_pb2.access))
    with pytest.raises(StackError) as refused:
        command(dry_run=dry_run, apply=False)
    assert refused.value.code is Code.MODEL_REFUSED
    assert refused.value.cause.startswith("the protos hold 1 mistake;")
    assert f"{GET_ORDER}: is missing: say who may call it" in refused.value.detail
    assert refused.value.next_command.startswith("causeway compile --dry-run")
    assert sorted(path.name for path in committed.iterdir()) == [
        "descriptors.binpb",
        "left_over_pb2.py",
    ]


def test_a_service_that_nobody_runs_is_told_with_its_line_and_what_to_do(
    edited: Edited, committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = container()
    places = {area: found for area, found in known.clusters.items() if area != "orders"}
    monkeypatch.setattr("gateway.deployments.container", lambda: replace(known, clusters=places))
    edited(lambda _: None)
    with pytest.raises(StackError) as refused:
        command(apply=False)
    assert refused.value.code is Code.MODEL_REFUSED
    assert refused.value.cause.startswith("the protos hold 1 mistake;")
    place, service, text = refused.value.detail.split(": ", 2)
    file, line, _ = place.split(":")
    assert service == "causeway.orders.v1.OrderService"
    written = (PROTOS / file.removeprefix("protos/")).read_text().splitlines()
    assert written[int(line) - 1] == "service OrderService {"
    assert text.startswith("nobody runs 'orders': give it an address in gateway/deployments.py")
    assert (committed / "descriptors.binpb").read_text() == "old"
