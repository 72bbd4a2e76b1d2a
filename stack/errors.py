"""The one error that the local platform shows to a person.

Every place that can fail in a way a person has to act on raises `StackError` with a code of
the closed set below; `causeway explain CODE` has a page for each (`stack/pages.py`).
"""

from enum import StrEnum


class Code(StrEnum):
    """What can go wrong while the local platform is set up, started, asked or stopped."""

    ALREADY_RUNNING = "ALREADY_RUNNING"
    CALL_FAILED = "CALL_FAILED"
    CHANGE_FAILED = "CHANGE_FAILED"
    CHECK_UNPREPARED = "CHECK_UNPREPARED"
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    DISK_FULL = "DISK_FULL"
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"
    EDGE_REFUSED = "EDGE_REFUSED"
    HOP_MISSING = "HOP_MISSING"
    LOGIN_FAILED = "LOGIN_FAILED"
    MODEL_REFUSED = "MODEL_REFUSED"
    NOT_CACHED = "NOT_CACHED"
    NOT_RUNNING = "NOT_RUNNING"
    NOT_GENERATED = "NOT_GENERATED"
    PORT_TAKEN = "PORT_TAKEN"
    RECORD_UNREADABLE = "RECORD_UNREADABLE"
    REPLAY_FAILED = "REPLAY_FAILED"
    REGISTRY_FAILED = "REGISTRY_FAILED"
    SETTING_INVALID = "SETTING_INVALID"
    START_FAILED = "START_FAILED"
    STATE_NOT_OURS = "STATE_NOT_OURS"
    STATE_NOT_WRITABLE = "STATE_NOT_WRITABLE"
    STOP_FAILED = "STOP_FAILED"
    TOPIC_MISMATCH = "TOPIC_MISMATCH"
    UNEXPECTED = "UNEXPECTED"
    UNKNOWN_NAME = "UNKNOWN_NAME"
    UNSUPPORTED_MACHINE = "UNSUPPORTED_MACHINE"


class StackError(Exception):
    """A failure with a code, its cause in one sentence, and the next command to type.

    `detail` holds further lines, such as the tail of a log. `usage` marks what the caller
    typed wrong (exit code 2 in place of 1).
    """

    def __init__(
        self, code: Code, cause: str, next_command: str, *, detail: str = "", usage: bool = False
    ) -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause
        self.next_command = next_command
        self.detail = detail
        self.usage = usage

    def __str__(self) -> str:
        return f"{self.code}: {self.cause}"
