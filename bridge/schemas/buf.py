"""`buf breaking` between the last release and today's files."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from bridge.errors import FailedPrecondition
from bridge.schemas.problem import Problem

SECONDS = 60.0
FOUND = 100
"""How buf exits when it found something."""


def buf_problems(
    old: Sequence[FileDescriptorProto],
    new: Sequence[FileDescriptorProto],
    ignored: Iterable[str] = (),
) -> Iterator[Problem]:
    """Give what buf's rules of category FILE say, but of the files that are `ignored`.

    FailedPrecondition if buf does not run.
    """
    rules = {"version": "v2", "breaking": {"use": ["FILE"], "ignore": sorted(ignored)}}
    with tempfile.TemporaryDirectory() as folder:
        released, today = (Path(folder) / name for name in ("released.binpb", "today.binpb"))
        released.write_bytes(FileDescriptorSet(file=old).SerializeToString())
        today.write_bytes(FileDescriptorSet(file=new).SerializeToString())
        yield from _problems(_run([str(today), "--against", str(released)], rules))


def _run(arguments: Iterable[str], rules: Mapping[str, Any]) -> str:
    command = [_program(), "breaking", *arguments, "--config", json.dumps(rules)]
    done = subprocess.run(  # noqa: S603 (our own arguments)
        [*command, "--error-format", "json"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode not in (0, FOUND):
        raise FailedPrecondition(f"buf failed: {done.stderr.strip()}", reason="BUF_FAILED")
    return done.stdout


def _program() -> str:
    """Find buf in this environment, then on the path."""
    own = Path(sys.executable).with_name("buf")
    found = str(own) if own.exists() else shutil.which("buf")
    if found is None:
        raise FailedPrecondition("buf is not installed: pip install buf-bin", reason="BUF_MISSING")
    return found


def _problems(output: str) -> Iterator[Problem]:
    for line in output.splitlines():
        said = json.loads(line)
        rule = said["type"]
        yield Problem(said.get("path", "buf"), said["message"].rstrip("."), f"buf's rule {rule}")
