"""Texts that PostgreSQL's `text` does not take, so that no reader could keep them in a column."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

NUL = "\0"


def field_with_nul(message: Message) -> str:
    """Name the first field that holds U+0000, itself or within; empty if none does."""
    return next((field.name for field, value in message.ListFields() if _holds_nul(value)), "")


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return NUL in value
    if isinstance(value, Message):
        return bool(field_with_nul(value))
    if isinstance(value, Mapping):
        return _holds_nul([*value, *value.values()])
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return any(map(_holds_nul, value))
    return False
