"""Queries of the measurements by name, from the .sql files beside this module."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bridge.sql import read


@cache
def queries(file: str) -> Mapping[str, str]:
    """Read one file: name → text without its comments."""
    return read(Path(__file__).with_name(f"{file}.sql").read_text(encoding="utf-8"))
