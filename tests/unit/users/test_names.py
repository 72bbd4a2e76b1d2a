"""What a display name may hold: it stands in mails, beside other people's text."""

import protovalidate
import pytest

from causeway.users.v1.user_service_pb2 import RegisterUserRequest


def violations(name: str) -> int:
    request = RegisterUserRequest(
        username="ada", email="ada@example.com", password="12345678", display_name=name
    )
    return len(protovalidate.collect_violations(request))


@pytest.mark.parametrize(
    "name", ["", "Ada Lovelace", "Zoë 👩\u200d💻", "علی\u200cرضا", "back\\slash"]
)
def test_a_plain_name_is_taken(name: str) -> None:
    assert violations(name) == 0


@pytest.mark.parametrize("name", ["A\r\nBcc: b@c.de", "a\u202eb", "a\u2028b", "a\u2066b", "\x00"])
def test_a_name_that_ends_lines_or_turns_text_is_refused(name: str) -> None:
    assert violations(name) == 1


@pytest.mark.parametrize("sign", ["\u200b", "\u200e", "\u200f", "\u061c", "\u2060", "\u2063"])
def test_a_name_holds_no_sign_that_nobody_sees(sign: str) -> None:
    assert violations(sign) == violations(f"Ada{sign}") == 1
