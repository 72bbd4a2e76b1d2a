"""Queries by name, from the .sql files beside this module.

A query begins with `-- name --` and comment lines that describe it; it ends where the next one
begins. `queries("store")` reads `store.sql`.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- ([a-z_]+) --$", re.MULTILINE)


@cache
def queries(file: str) -> Mapping[str, str]:
    """Read one file: name → text without its comments."""
    return read(Path(__file__).with_name(f"{file}.sql").read_text(encoding="utf-8"))


def read(text: str) -> Mapping[str, str]:
    """Split the text of a .sql file; ValueError on a name used twice or an undescribed query."""
    parts = _NAME.split(text)
    found: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        lines = body.strip().splitlines()
        if name in found or not lines or not lines[0].startswith("-- "):
            raise ValueError(f"query {name}: named twice, or without a description")
        found[name] = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    return found
