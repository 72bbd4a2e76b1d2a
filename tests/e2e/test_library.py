"""docs/library.md does what it says, pasted outside the checkout and with the built package."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform import ROOT, Platform

PAGE = (ROOT / "docs" / "library.md").read_text("utf-8")
LIMIT = 60
"""Seconds until the event went all the way round."""


def block(language: str) -> str:
    """The page's one block in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(  # noqa: S603
        [sys.executable, *command, "--wheel-dir", str(folder), str(ROOT)], check=True
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def elsewhere(wheel: Path) -> Iterator[Path]:
    """A folder outside the checkout that holds the package and the page's two files."""
    folder = Path(tempfile.mkdtemp(prefix="payments-"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    (folder / "payments.proto").write_text(block("proto"), "utf-8")
    (folder / "payments.py").write_text(block("python"), "utf-8")
    yield folder
    shutil.rmtree(folder)


def without_ids(text: str) -> str:
    return re.sub("[0-9a-f]{32}", "ID", text)


def environment(causeway: Platform, folder: Path) -> dict[str, str]:
    """What a shell in the folder has: the package, the environment's programs, the platform."""
    programs = str(Path(sys.executable).parent)
    return {
        "HOME": os.environ["HOME"],
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "site"),
        "CAUSEWAY_STATE": causeway.settings["CAUSEWAY_STATE"],
    }


def test_the_wheel_brings_the_protos_and_every_sql_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assert "causeway/options/v1/options.proto" in packed
    for folder in ("bridge", "services"):
        for file in (ROOT / folder).rglob("*.sql"):
            assert str(file.relative_to(ROOT)) in packed


def test_the_service_has_no_more_than_twenty_lines() -> None:
    assert len([line for line in block("python").splitlines() if line.strip()]) <= 20


def test_a_service_outside_this_repository_appends_and_handles(
    causeway: Platform, elsewhere: Path
) -> None:
    surroundings = environment(causeway, elsewhere)
    prepared = subprocess.run(  # noqa: S603
        ["/bin/sh", "-ec", block("sh")],
        cwd=elsewhere, env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert prepared.returncode == 0, prepared.stderr
    with subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-ec", block("sh run").replace("python", "exec python")],
        cwd=elsewhere,
        env=surroundings,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        limit = threading.Timer(LIMIT, running.kill)
        limit.start()
        assert running.stdout is not None
        said = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        ended = running.wait()
        limit.cancel()
    log = (elsewhere / "payments.log").read_text("utf-8")
    assert without_ids(said) == without_ids(block("text")), log
    assert ended == 0, log


def test_an_incompatible_change_of_an_event_is_refused(causeway: Platform, elsewhere: Path) -> None:
    surroundings = environment(causeway, elsewhere)
    proto = elsewhere / "payments.proto"
    text = block("proto").replace("payments.v1", "refunds.v1")
    answers = []
    for kind in ("int64", "string"):
        proto.write_text(text.replace("int64", kind), "utf-8")
        answers.append(
            subprocess.run(  # noqa: S603
                ["/bin/sh", "-ec", block("sh").replace("adopt payments", "adopt refunds")],
                cwd=elsewhere, env=surroundings, capture_output=True, text=True, check=False,
            )
        )  # fmt: skip
    kept, changed = answers
    assert kept.returncode == 0, kept.stderr
    assert changed.returncode == 1
    assert changed.stderr.startswith("REGISTRY_FAILED")
    assert "string at /PaymentTaken" in changed.stderr


def test_names_that_are_taken_and_modules_that_are_no_events_are_refused(
    causeway: Platform, elsewhere: Path
) -> None:
    for words, reason in (
        (["orders", "payments_pb2"], "'orders' can't be a service's name"),
        (["payments", "missing_pb2"], "there is no module missing_pb2 here"),
        (["payments", "json"], "json was not generated from a .proto file"),
        (["payments", "causeway.orders.v1.events_pb2"], "are the platform's own"),
        (["payments", "causeway.orders.v1.order_service_pb2"], "has no (causeway.options.v1.event"),
    ):
        refused = subprocess.run(  # noqa: S603
            ["causeway", "adopt", *words],  # noqa: S607
            cwd=elsewhere, env=environment(causeway, elsewhere),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert refused.returncode == 2, refused.stderr
        assert reason in refused.stderr
