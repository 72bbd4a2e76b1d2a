"""Composes a mail: text and HTML, with nothing of a user's in a place where it could command."""

import re
import unicodedata
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from services.notifications.notification_table import Notification
from services.notifications.recipient_table import Recipient
from services.notifications.templates import render

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Control characters and line ends: in a header they would begin another one."""

SAME_LINE = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]+")
"""Control characters within a text of several lines."""


NAME_LENGTH = 40
NAME_MARKS = frozenset(" '’-_")
"""What stands in a name beside letters, their marks and digits: nothing that makes a link of it."""


class AddressError(ValueError):
    """The recipient's address is none that a mail can carry."""


def compose(notification: Notification, recipient: Recipient, sender: Address) -> EmailMessage:
    """The mail for a notification. Its Message-ID comes from the event's id, so that a mail sent
    twice is the same mail. AddressError."""
    name = plain_name(recipient)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = _address(name, recipient.email)
    mail["Subject"] = one_line(notification.title)
    mail["Date"] = notification.create_time
    mail["Message-ID"] = message_id(notification, sender)
    mail["Auto-Submitted"] = "auto-generated"
    body = SAME_LINE.sub(" ", notification.body)
    address = one_line(recipient.email)
    mail.set_content(render("mail.txt", name=name, body=body, address=address))
    page = render(
        "mail.html",
        title=one_line(notification.title),
        name=name,
        paragraphs=paragraphs(body),
        address=address,
    )
    mail.add_alternative(page, subtype="html")
    return mail


def message_id(notification: Notification, sender: Address) -> str:
    """`<{event id}@{domain}>`, the same at every try."""
    return f"<{notification.cause_event_id}@{sender.domain}>"


def plain_name(recipient: Recipient) -> str:
    """The recipient's name where it is no more than one, else what stands before the @ where that
    is as plain, else empty.

    The address may be a stranger's, and the name whatever somebody wants to tell that stranger. So
    may be what stands before the @: most mail servers take anything behind a + there.
    """
    names = (recipient.display_name, recipient.email.rpartition("@")[0])
    return next(filter(_is_plain, map(one_line, names)), "")


def _is_plain(name: str) -> bool:
    return len(name) <= NAME_LENGTH and all(map(_in_a_name, name))


def _in_a_name(character: str) -> bool:
    return character in NAME_MARKS or unicodedata.category(character)[0] in "LMN"


def paragraphs(text: str) -> list[list[str]]:
    """The lines of each paragraph; empty lines stand between paragraphs."""
    blocks = re.split(r"\n{2,}", "\n".join(line.strip() for line in text.splitlines()).strip())
    return [block.split("\n") for block in blocks if block]


def one_line(text: str) -> str:
    """The text on one line, without control characters."""
    return UNPRINTABLE.sub(" ", text).strip()


def _address(name: str, email: str) -> Address:
    try:
        return Address(display_name=name, addr_spec=email)
    except (ValueError, IndexError, MessageError) as error:  # what the parser says of them
        raise AddressError("not a mail address") from error
