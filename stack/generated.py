"""Whether the generated modules are those of the .proto files, and making them so."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from stack.errors import Code, StackError

ROOT = Path(__file__).resolve().parent.parent
# A process of its own: what this one has imported would change the descriptors that it writes.
GENERATE = (sys.executable, "-m", "gateway.generate")


def require_generated() -> None:
    """StackError NOT_GENERATED where the modules are not those of the .proto files."""
    _run("--check", "the modules are not those of the .proto files that are there")


def regenerate() -> list[str]:
    """Write the modules anew where they are stale; the paths that changed.

    Without protoc (`grpcio-tools`, which comes with the development tools) they are taken as they
    are. Raises StackError NOT_GENERATED with protoc's words; the modules are left as they were.
    """
    if find_spec("grpc_tools") is None:
        return []
    told = _run("", "protoc does not take the .proto files that are there")
    return [row.removeprefix("wrote ") for row in told.splitlines() if row.startswith("wrote ")]


def _run(option: str, cause: str) -> str:
    command = [*GENERATE, *([option] if option else [])]
    done = subprocess.run(  # noqa: S603 (this program's own module)
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StackError(Code.NOT_GENERATED, cause, "make generate", detail=done.stderr.strip())
    return done.stdout
