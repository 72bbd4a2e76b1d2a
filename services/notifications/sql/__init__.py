"""The queries of Notifications, one to a file, each described in its first lines."""

from functools import cache
from pathlib import Path


@cache
def query(name: str) -> str:
    """The text of `sql/{name}.sql`, read once."""
    return Path(__file__).with_name(f"{name}.sql").read_text("utf-8")
