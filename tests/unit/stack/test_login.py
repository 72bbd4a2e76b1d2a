"""What `causeway token` says when Keycloak gives none."""

import io
import urllib.error
import urllib.request
from email.message import Message

import pytest

from stack.errors import Code, StackError
from stack.login import access_token
from stack.settings import Ports


@pytest.mark.parametrize(
    ("status", "body", "words", "next_command"),
    [
        (
            401,
            b'{"error": "invalid_grant", "error_description": "Invalid user credentials"}',
            "Keycloak refuses alice: Invalid user credentials",
            "causeway token alice --password",
        ),
        (
            404,
            b'{"error": "Realm does not exist"}',
            "Keycloak logs nobody in at present: Realm does not exist",
            "causeway status",
        ),
        (
            503,
            b"<html>busy</html>",
            "Keycloak logs nobody in at present: status 503",
            "causeway status",
        ),
    ],
)
def test_a_refusal_says_whether_it_is_the_user_or_keycloak(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, words: str, next_command: str
) -> None:
    def refuse(request: urllib.request.Request, timeout: float) -> None:
        raise urllib.error.HTTPError(
            request.full_url, status, f"after {timeout} s", Message(), io.BytesIO(body)
        )

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(StackError) as raised:
        access_token(Ports.model_validate({}), "alice", "secret")
    assert raised.value.code is Code.LOGIN_FAILED
    assert raised.value.cause == words
    assert raised.value.next_command.startswith(next_command)
