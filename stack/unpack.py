"""Unpacks a verified archive so that a directory is either whole or absent."""

import shutil
import tarfile
import tempfile
from pathlib import Path

from stack.download import disk_error
from stack.errors import Code, StackError


def unpack(archive: Path, target: Path) -> None:
    """Unpack the tar `archive` into `target`, which must not exist.

    Only under the lock of the cache: what an earlier, killed run left half-unpacked is removed.
    An archive with one top-level directory loses that level. Members that point outside are
    refused (tarfile's `data` filter). Raises StackError: DISK_FULL, STATE_NOT_WRITABLE,
    UNEXPECTED.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for rest in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(rest, ignore_errors=True)  # what a killed run left
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        _content(scratch).replace(target)
    except (tarfile.TarError, EOFError) as error:
        cause = f"{archive.name} could not be unpacked: {error}"
        raise StackError(Code.UNEXPECTED, cause, f"rm '{archive}'; causeway up") from error
    except OSError as error:
        raise disk_error(error, target.parent) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _content(scratch: Path) -> Path:
    entries = list(scratch.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else scratch
