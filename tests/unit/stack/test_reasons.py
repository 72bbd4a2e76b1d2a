"""What an operator reads as a reason can be looked up."""

import re

import pytest

from stack.pages import contents, page
from stack.reasons import REASONS
from tests.platform import ROOT

PARTS = ("parking", "replay", "registry", "events", "api", "store")
RAISED = re.compile(r'(?:reason=|Failure\()"([A-Z_]+)"')
# Of these the message alone says all: a wrong field, and how it must be.
TOLD_BY_THEIR_MESSAGE = re.compile(
    r"INVALID_|UNKNOWN_(MODE|ORIGIN|EFFECT)|ORIGIN_|EMPTY_|POSITION_|REBUILD_"
)


def raised() -> set[str]:
    files = [path for part in PARTS for path in (ROOT / "bridge" / part).glob("*.py")]
    found = {name for path in files for name in RAISED.findall(path.read_text("utf-8"))}
    return {name for name in found if not TOLD_BY_THEIR_MESSAGE.match(name)}


def test_every_reason_of_the_bridge_has_a_page() -> None:
    internal = {
        "STREAM_MISMATCH",
        "OLDER_THAN_THE_INBOX",
        "TABLE_MISSING",
        "NOT_IN_STORE",
        "RETENTION_TOO_SHORT",
    }
    found = raised()
    assert "KEY_PARKED" in found
    assert found - internal <= set(REASONS)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_a_reason_is_explained_in_any_case(reason: str) -> None:
    assert page(reason.lower()) == f"{reason}\n\n{REASONS[reason]}"
    assert reason in contents()
