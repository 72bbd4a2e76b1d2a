"""What an operator reads as a reason can be looked up."""

import re

import pytest

from stack.errors import Code
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


def test_codes_and_reasons_are_listed_by_the_alphabet() -> None:
    codes, reasons = (
        [line.split()[0] for line in block.splitlines()] for block in contents().split("\n\n")
    )
    assert codes == sorted(Code)
    assert reasons == sorted(REASONS)


def test_the_list_cuts_no_sentence() -> None:
    lines = [line for line in contents().splitlines() if line]
    assert [line for line in lines if not line.endswith(".")] == []
    [broken] = [line for line in lines if line.startswith("OUTCOME_UNKNOWN")]
    assert broken.endswith("ask again with the same request_id, which gives the same result.")
