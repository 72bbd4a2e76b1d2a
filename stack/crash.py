"""An error that nobody foresaw: its traceback goes into a file, its words to the person."""

import tempfile
import traceback
from pathlib import Path

from stack.errors import Code, StackError
from stack.failures import disk_full, first_cause, is_disk_full


def unexpected(error: Exception) -> StackError:
    """What to tell the person. A full disk is told as such wherever it was met."""
    cause = first_cause(error)
    if isinstance(cause, StackError):
        return cause
    if is_disk_full(cause):
        return disk_full(str(cause))
    return StackError(
        Code.UNEXPECTED,
        f"{type(cause).__name__}: {cause}",
        f"less {_keep(error)}   (the traceback)",
    )


def _keep(error: Exception) -> Path:
    with tempfile.NamedTemporaryFile(
        "w", prefix="causeway-crash-", suffix=".log", delete=False
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(file.name)
