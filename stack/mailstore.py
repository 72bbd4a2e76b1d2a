"""The newest mails of the development mailbox: one file each, so that they survive a restart."""

import itertools
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

_SENDER = "X-Envelope-From"
_RECIPIENT = "X-Envelope-To"
KEPT = 2000
"""Mails. Of more the oldest are deleted: a listing would take seconds after some days of tests."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One received mail. `received` is in seconds since the epoch, `size` in bytes."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    received: float
    size: int
    text: str


class MailStore:
    """A directory of `<id>.eml` files; ids sort by arrival. Safe to use from any thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._counter = itertools.count()
        # A mail never changes: each is parsed once, at its first reading.
        self._parsed: dict[str, Mail] = {}
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)  # customers' mails
        self._ids = deque(sorted(path.stem for path in directory.glob("*.eml")))

    def add(self, sender: str, recipients: Sequence[str], content: bytes) -> str:
        """Keep a mail; it is there whole or not at all. Raises OSError, e.g. on a full disk."""
        # The counter keeps apart what arrives within one tick of the clock.
        mail_id = f"{time.time_ns():020d}-{next(self._counter) % 10000:04d}"
        envelope = [f"{_SENDER}: {sender}", *(f"{_RECIPIENT}: {to}" for to in recipients)]
        partial = self._directory / f"{mail_id}.part"
        try:
            partial.write_bytes("".join(f"{line}\r\n" for line in envelope).encode() + content)
            partial.replace(self._directory / f"{mail_id}.eml")
        finally:
            partial.unlink(missing_ok=True)
        self._ids.append(mail_id)
        while len(self._ids) > KEPT:
            self.delete(self._ids.popleft())
        return mail_id

    def list(self, recipient: str | None = None) -> Iterator[Mail]:
        """All mails, the oldest first; only those to `recipient` if given."""
        for path in sorted(self._directory.glob("*.eml")):
            mail = self._read(path.stem)  # None: deleted since the names were read
            if mail is not None and (recipient is None or recipient in mail.recipients):
                yield mail

    def get(self, mail_id: str) -> Mail | None:
        """One mail, or None. An id with a path in it is no id."""
        path = self._path(mail_id)
        if path is None or not path.exists():  # the files alone say what there is
            self._parsed.pop(mail_id, None)
            return None
        return self._read(mail_id)

    def _read(self, mail_id: str) -> Mail | None:
        if mail_id not in self._parsed:
            content = self.raw(mail_id)
            if content is None:
                return None
            self._parsed[mail_id] = _parse(mail_id, content)
        return self._parsed.get(mail_id)

    def raw(self, mail_id: str) -> bytes | None:
        """The mail as it came, with its envelope in two headers of ours."""
        path = self._path(mail_id)
        try:
            return None if path is None else path.read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, mail_id: str) -> bool:
        """Whether there was such a mail."""
        path = self._path(mail_id)
        if path is None or not path.exists():
            return False
        path.unlink(missing_ok=True)
        self._parsed.pop(mail_id, None)
        return True

    def clear(self) -> int:
        """Delete all; how many there were."""
        return sum(self.delete(path.stem) for path in self._directory.glob("*.eml"))

    def _path(self, mail_id: str) -> Path | None:
        plain = mail_id.replace("-", "").isdigit()
        return self._directory / f"{mail_id}.eml" if plain else None


def _parse(mail_id: str, content: bytes) -> Mail:
    message = BytesParser(policy=policy.default).parsebytes(content)
    return Mail(
        id=mail_id,
        sender=str(message[_SENDER] or ""),
        recipients=tuple(map(str, message.get_all(_RECIPIENT, []))),
        subject=str(message["Subject"] or ""),
        received=int(mail_id.partition("-")[0]) / 1e9,
        size=len(content),
        text=_text_of(message),
    )


def _text_of(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, ValueError):  # an unknown charset, a text that is none
        return body.as_string()
