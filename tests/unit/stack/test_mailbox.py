"""The development mailbox, over its real protocols."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from stack.mailstore import MailStore
from tests.unit.stack.platforms import wait_for


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def ports() -> tuple[int, int]:
    return _free_port(), _free_port()


@pytest.fixture
def start(tmp_path: Path, ports: tuple[int, int]) -> Iterator[Start]:
    smtp, http = ports
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-m", "stack.mailbox", "--directory", str(tmp_path)),
            *("--smtp", f"127.0.0.1:{smtp}", "--http", f"127.0.0.1:{http}"),
        ]
        process = subprocess.Popen(command)  # noqa: S603 (fixed)
        started.append(process)
        wait_for(lambda: _accepts(smtp) and _accepts(http))
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def _mail(to: str, subject: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@causeway.test", to, subject
    mail.set_content(text)
    return mail


def _send(port: int, *mails: EmailMessage) -> None:
    async def send() -> None:
        for mail in mails:
            await aiosmtplib.send(mail, hostname="127.0.0.1", port=port, start_tls=False)

    asyncio.run(send())


@pytest.mark.programs
def test_a_mail_can_be_listed_read_and_deleted_and_survives_a_restart(
    start: Start, ports: tuple[int, int]
) -> None:
    process = start()
    _send(ports[0], _mail("alice@x.test", "Größe", "Hällo\nzweite"), _mail("bob@x.test", "b", "c"))
    process.terminate()
    assert process.wait(5) == 0
    start()
    with httpx.Client(base_url=f"http://127.0.0.1:{ports[1]}") as http:
        listed = http.get("/messages").json()
        assert [mail["subject"] for mail in listed] == ["Größe", "b"]
        assert listed[0]["to"] == ["alice@x.test"]
        only = http.get("/messages", params={"to": "bob@x.test"}).json()
        assert [mail["id"] for mail in only] == [listed[1]["id"]]
        one = http.get(f"/messages/{listed[0]['id']}").json()
        assert one["text"].splitlines() == ["Hällo", "zweite"]
        assert b"Subject:" in http.get(f"/messages/{one['id']}/raw").content
        assert http.delete(f"/messages/{one['id']}").json() == {"deleted": 1}
        assert http.delete(f"/messages/{one['id']}").status_code == 404
        assert http.delete("/messages").json() == {"deleted": 1}
        assert http.get("/messages").json() == []


@pytest.mark.programs
def test_an_id_with_a_path_in_it_finds_nothing(start: Start, ports: tuple[int, int]) -> None:
    start()
    base = f"http://127.0.0.1:{ports[1]}"
    for path in ("/messages/..%2f..%2fetc%2fpasswd", "/messages/x", "/", "/other/1"):
        assert httpx.get(base + path).status_code == 404


@pytest.mark.programs
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_who_asks_by_a_strangers_name_is_refused(
    start: Start, ports: tuple[int, int], method: str
) -> None:
    """A page whose name leads to 127.0.0.1 asks as its own server, by that name."""
    start()
    _send(ports[0], _mail("alice@x.test", "a", "b"))
    url = f"http://127.0.0.1:{ports[1]}/messages"
    for host in ("evil.example", "evil.example:8025", "localhost.evil.example", "127.0.0.1@x", ""):
        assert httpx.request(method, url, headers={"host": host}).status_code == 403
    for host in ("localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:8025", "[::1]", "[::1]:9"):
        assert len(httpx.get(url, headers={"host": host}).json()) == 1


def test_a_mail_is_parsed_once_and_a_deleted_file_is_no_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    parse = BytesParser.parsebytes

    def counted(self: BytesParser, text: bytes, headersonly: bool = False) -> object:
        parsed.append(text)
        return parse(self, text, headersonly)

    monkeypatch.setattr(BytesParser, "parsebytes", counted)
    store = MailStore(tmp_path)
    ids = [store.add("shop@x.test", [f"{n}@x.test"], b"Subject: s\r\n\r\nbody") for n in range(3)]
    for _ in range(5):
        assert [mail.id for mail in store.list()] == ids
    assert len(parsed) == 3
    (tmp_path / f"{ids[0]}.eml").unlink()
    assert store.get(ids[0]) is None
    assert [mail.id for mail in store.list("1@x.test")] == [ids[1]]


def test_of_too_many_mails_the_newest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.mailstore.KEPT", 3)
    for _ in range(2):  # the second finds what the first has left
        store = MailStore(tmp_path)
        ids = [store.add("a@example.com", ["b@example.com"], b"\r\n") for _ in range(4)]
        assert [mail.id for mail in store.list()] == ids[1:]
