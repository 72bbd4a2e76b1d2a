"""The development mailbox: a real SMTP server whose mails can be read over HTTP.

    python -m stack.mailbox --smtp 127.0.0.1:1025 --http 127.0.0.1:8025 --directory DIR

GET /health              whether it serves, at the same cost with any number of mails
GET /messages[?to=a@b]   list, oldest first: [{id, from, to[], subject, received, size}];
                         the newest 2,000 are kept
GET /messages/ID         the same and `text`, the mail's body
GET /messages/ID/raw     the mail as it came
DELETE /messages[/ID]    delete one or all

Asked by another name than this machine's own it answers 403: a page that a browser has open can
give its own name our address, and would read the mails.
"""

import argparse
import asyncio
import json
import re
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from stack.mailstore import Mail, MailStore

OWN_NAME = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]*)?", re.IGNORECASE)
"""What `Host` may say."""


class Keeper:
    """What the SMTP server does with a mail."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep it, then acknowledge; a mail that can't be kept is refused for now."""
        del server, session
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            mail_id = self._store.add(envelope.mail_from or "", envelope.rcpt_tos, content)
        except OSError as error:
            return f"452 4.3.1 not kept: {error.strerror}"
        return f"250 2.0.0 kept as {mail_id}"


class Listing(BaseHTTPRequestHandler):
    """The HTTP side; see the module for its addresses."""

    protocol_version = "HTTP/1.1"

    def __init__(self, store: MailStore, *arguments: object) -> None:
        self._store = store
        super().__init__(*arguments)  # type: ignore[arg-type]

    def parse_request(self) -> bool:
        """Read the head; False where that is answered already."""
        if not super().parse_request():
            return False
        if not OWN_NAME.fullmatch(self.headers.get("Host", "")):
            self.close_connection = True  # a body, which is not read, would be the next request
            self.send_error(HTTPStatus.FORBIDDEN, "not this machine's name")
            return False
        return True

    def do_GET(self) -> None:
        """List, or show one."""
        address = urlsplit(self.path)
        match address.path.strip("/").split("/"):
            case ["health"]:
                self._answer({"serving": True})
            case ["messages"]:
                wanted = parse_qs(address.query).get("to", [None])[0]
                self._answer([_summary(mail) for mail in self._store.list(wanted)])
            case ["messages", mail_id]:
                mail = self._store.get(mail_id)
                self._answer(mail and _summary(mail) | {"text": mail.text})
            case ["messages", mail_id, "raw"]:
                self._send(self._store.raw(mail_id), "message/rfc822")
            case _:
                self._answer(None)

    def do_DELETE(self) -> None:
        """Delete one, or all."""
        match urlsplit(self.path).path.strip("/").split("/"):
            case ["messages"]:
                self._answer({"deleted": self._store.clear()})
            case ["messages", mail_id]:
                self._answer({"deleted": 1} if self._store.delete(mail_id) else None)
            case _:
                self._answer(None)

    def log_message(self, *_: object) -> None:
        """A line per request would bury what matters in the log."""

    def _answer(self, value: object) -> None:
        content = None if value is None else json.dumps(value, indent=1).encode()
        self._send(content, "application/json")

    def _send(self, content: bytes | None, kind: str) -> None:
        found = content is not None
        body = content if content is not None else b'{"error": "no such mail"}'
        self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", kind if found else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # who asked may have given up
            self.wfile.write(body)


def _summary(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "from": mail.sender,
        "to": mail.recipients,
        "subject": mail.subject,
        "received": datetime.fromtimestamp(mail.received, UTC).isoformat(),
        "size": mail.size,
    }


async def serve(store: MailStore, smtp: tuple[str, int], http: tuple[str, int]) -> None:
    """Serve both protocols until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listing = ThreadingHTTPServer(http, partial(Listing, store))
    threading.Thread(target=listing.serve_forever, daemon=True).start()
    keeper = Keeper(store)
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="mailbox", enable_SMTPUTF8=True, loop=loop), *smtp
    )
    where = f"SMTP on {smtp[0]}:{smtp[1]}, listing on http://{http[0]}:{http[1]}/messages"
    print(where, flush=True)  # noqa: T201 (its log)
    await stop.wait()
    server.close()
    listing.shutdown()
    listing.server_close()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the mailbox."""
    parser = argparse.ArgumentParser(prog="python -m stack.mailbox", description=__doc__)
    parser.add_argument("--smtp", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--http", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--directory", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(MailStore(chosen.directory), chosen.smtp, chosen.http))


if __name__ == "__main__":
    main()
