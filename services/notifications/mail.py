"""Composes a mail: text and HTML, with nothing of a user's in a place where it could command."""

import html
import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from services.notifications.notification_table import Notification
from services.notifications.recipient_table import Recipient

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Control characters and line ends: in a header they would begin another one."""

PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body style="font-family: sans-serif; color: #1f2933">
<p>Hello {name},</p>
<p style="white-space: pre-line">{body}</p>
<p style="color: #66727f">Causeway</p>
</body>
</html>
"""


class AddressError(ValueError):
    """The recipient's address is none that a mail can carry."""


def compose(notification: Notification, recipient: Recipient, sender: Address) -> EmailMessage:
    """The mail for a notification. Its Message-ID comes from the event's id, so that a mail sent
    twice is the same mail. AddressError."""
    name = one_line(recipient.display_name)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = _address(name, recipient.email)
    mail["Subject"] = one_line(notification.title)
    mail["Date"] = notification.create_time
    mail["Message-ID"] = message_id(notification, sender)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"Hello {name},\n\n{notification.body}\n\nCauseway\n")
    page = PAGE.format(
        title=html.escape(one_line(notification.title)),
        name=html.escape(name),
        body=html.escape(notification.body),
    )
    mail.add_alternative(page, subtype="html")
    return mail


def message_id(notification: Notification, sender: Address) -> str:
    """`<{event id}@{domain}>`, the same at every try."""
    return f"<{notification.cause_event_id}@{sender.domain}>"


def one_line(text: str) -> str:
    """The text on one line, without control characters."""
    return UNPRINTABLE.sub(" ", text).strip()


def _address(name: str, email: str) -> Address:
    try:
        return Address(display_name=name, addr_spec=email)
    except (ValueError, IndexError, MessageError) as error:  # what the parser says of them
        raise AddressError("not a mail address") from error
