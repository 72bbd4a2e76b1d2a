import pytest
from pydantic import SecretStr

from bridge.errors import InvalidArgument
from bridge.server.resume import ResumeTokens

TOKENS = ResumeTokens(SecretStr("0123456789abcdef"))


def test_a_token_says_what_was_seen() -> None:
    token = TOKENS.seal("users/a", "o1", "12")
    assert TOKENS.open("users/a", "o1", token) == "12"
    assert TOKENS.open("users/a", "o1", "") is None


@pytest.mark.parametrize(
    ("caller", "order"), [("users/b", "o1"), ("users/a", "o2"), ("users/ao", "1")]
)
def test_a_token_is_no_good_elsewhere(caller: str, order: str) -> None:
    token = TOKENS.seal("users/a", "o1", "12")
    with pytest.raises(InvalidArgument):
        TOKENS.open(caller, order, token)


@pytest.mark.parametrize("token", ["x", "ä", "AAAA", "=" * 8, "A" * 400])
def test_rubbish_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument):
        TOKENS.open("users/a", "o1", token)


def test_another_key_signs_otherwise() -> None:
    token = ResumeTokens(SecretStr("another key, longer")).seal("users/a", "o1", "12")
    with pytest.raises(InvalidArgument):
        TOKENS.open("users/a", "o1", token)
