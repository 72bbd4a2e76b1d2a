"""Against a real HTTP server on loopback that plays the token endpoint."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from client.tokens import LoginFailed, Tokens, client_credentials, password


class Endpoint:
    """Answers with a new token each time; `life` in seconds; `refuse` maps a grant to an error.
    `text`, if any, is the body of every answer.
    """

    def __init__(self) -> None:
        self.life = 300.0
        self.refuse: dict[str, str] = {}
        self.text = b""
        self.forms: list[dict[str, str]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status, answer = endpoint.answer(self.path, dict(parse_qsl(body)))
                text = endpoint.text or json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/realms/causeway"

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        assert path == "/realms/causeway/protocol/openid-connect/token"
        self.forms.append(form)
        if error := self.refuse.get(form["grant_type"]):
            return 400, {"error": error, "error_description": "refused"}
        number = len(self.forms)
        return 200, {
            "access_token": f"a{number}",
            "refresh_token": f"r{number}",
            "expires_in": self.life,
        }


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, args=(0.01,))
    thread.start()
    yield endpoint
    endpoint.server.shutdown()
    thread.join()
    endpoint.server.server_close()


async def test_a_token_is_kept_and_callers_at_once_share_one_login(endpoint: Endpoint) -> None:
    token = password(endpoint.issuer, "alice", "secret")
    assert set(await asyncio.gather(*(token() for _ in range(5)))) == {"a1"}
    assert endpoint.forms == [
        {
            "grant_type": "password",
            "client_id": "causeway-cli",
            "scope": "openid",
            "username": "alice",
            "password": "secret",
        }
    ]


async def test_a_token_is_renewed_before_its_end_without_the_password(endpoint: Endpoint) -> None:
    endpoint.life = 0.1
    token = password(endpoint.issuer, "alice", "secret")
    assert await token() == "a1"
    await asyncio.sleep(0.09)
    assert await token() == "a2"
    assert endpoint.forms[1] == {
        "grant_type": "refresh_token",
        "refresh_token": "r1",
        "client_id": "causeway-cli",
    }


async def test_a_session_that_ended_is_begun_again(endpoint: Endpoint) -> None:
    endpoint.life, endpoint.refuse = 0.0, {"refresh_token": "invalid_grant"}
    token = password(endpoint.issuer, "alice", "secret")
    assert await token() == "a1"
    assert await token() == "a3"


async def test_a_service_account_shows_its_secret(endpoint: Endpoint) -> None:
    assert await client_credentials(endpoint.issuer, "orders", "s3cret")() == "a1"
    assert endpoint.forms[0]["client_secret"] == "s3cret"


async def test_a_refused_login_says_why(endpoint: Endpoint) -> None:
    endpoint.refuse = {"password": "invalid_grant"}
    with pytest.raises(LoginFailed, match="refused") as caught:
        await password(endpoint.issuer, "alice", "wrong")()
    assert caught.value.reason == "invalid_grant"


async def test_a_provider_that_is_away_is_named() -> None:
    with pytest.raises(LoginFailed, match="does not answer"):
        await password("http://127.0.0.1:1/realms/causeway", "alice", "secret")()


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "text",
    [
        b"<html>",
        b"\xff",
        b"[]",
        b"null",
        b'"a"',
        b'{"access_token": "a"}',
        b'{"expires_in": 300}',
        b'{"access_token": "a", "expires_in": null}',
    ],
)
async def test_an_answer_of_another_shape_is_a_failed_login(
    endpoint: Endpoint, text: bytes, status: int
) -> None:
    endpoint.text = text
    if status != 200:
        endpoint.refuse = {"password": "invalid_grant"}
    with pytest.raises(LoginFailed):
        await password(endpoint.issuer, "alice", "secret")()


def test_tokens_do_not_show_in_their_repr() -> None:
    shown = repr(Tokens("acc3ss", "r3fresh", 1.0))
    assert "acc3ss" not in shown
    assert "r3fresh" not in shown
