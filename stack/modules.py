"""Generated modules of somebody else, imported from where the program is run."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from stack.errors import Code, StackError


def load_modules(names: Sequence[str]) -> list[ModuleType]:
    """Import modules by name, from the working directory first. StackError UNKNOWN_NAME."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        return [_load(name) for name in names]
    finally:
        sys.path.pop(0)


def _load(name: str) -> ModuleType:
    try:
        module = import_module(name)
    except ImportError as error:
        raise _unknown(f"there is no module {name} here: {error}") from None
    if not hasattr(module, "DESCRIPTOR"):
        raise _unknown(f"{name} was not generated from a .proto file")
    return module


def _unknown(cause: str) -> StackError:
    return StackError(
        Code.UNKNOWN_NAME,
        cause,
        "python -m grpc_tools.protoc …   (see docs/library.md), then the same again",
        usage=True,
    )
