"""The modules of today's .proto files, made aside and held against the committed ones."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.generate import DESCRIPTORS, PROTOS, differences
from stack.errors import Code, StackError

ROOT = PROTOS.parent
# A process of its own: what this one has imported would change the descriptors that it writes.
GENERATE = (sys.executable, "-m", "gateway.generate", "--aside")
_CORRECTED = "causeway compile --dry-run   (once the line is corrected)"


@contextmanager
def modules_aside() -> Iterator[Path]:
    """The folder of the modules of today's .proto files, which is gone at the end.

    Until then they are imported in place of the committed ones, which may not know a new option.
    Without protoc (`grpcio-tools`, which comes with the development tools) it is the committed
    ones. Raises StackError MODEL_REFUSED with protoc's words; nothing of the checkout is changed.
    """
    if not _has_protoc():
        yield PROTOS
        return
    with TemporaryDirectory(prefix="causeway-protos-") as folder:
        fresh = Path(folder)
        _generate(fresh)
        with _imported_first(str((fresh / DESCRIPTORS).parent)):
            yield fresh


def require_generated() -> None:
    """StackError NOT_GENERATED where the modules are not those of the .proto files."""
    require_protoc()
    with modules_aside() as fresh:
        if stale := differences(fresh):
            cause = "the modules are not those of the .proto files that are there"
            raise StackError(Code.NOT_GENERATED, cause, "make generate", detail="\n".join(stale))


def require_protoc() -> None:
    """StackError NOT_GENERATED where nobody can say whether the modules are those of the protos."""
    if not _has_protoc():
        cause = "protoc, which would tell whether the modules are stale, is not installed"
        raise StackError(Code.NOT_GENERATED, cause, "make generate")


def _has_protoc() -> bool:
    return find_spec("grpc_tools") is not None


def _generate(fresh: Path) -> None:
    command = [*GENERATE, str(fresh)]
    done = subprocess.run(  # noqa: S603 (this program's own module)
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        cause = "protoc does not take the .proto files that are there"
        raise StackError(Code.MODEL_REFUSED, cause, _CORRECTED, detail=done.stderr.strip())


@contextmanager
def _imported_first(folder: str) -> Iterator[None]:
    import causeway

    causeway.__path__.insert(0, folder)
    try:
        yield
    finally:
        causeway.__path__.remove(folder)
