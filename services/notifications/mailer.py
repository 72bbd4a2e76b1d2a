"""Sends mails over SMTP: one connection for each, so that a broken one costs one try."""

import asyncio
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage

import aiosmtplib
import asyncpg

from bridge.database import acquire
from bridge.effects.deliveries import Delivery
from bridge.effects.sender import Pace
from bridge.errors import FailedPrecondition, Internal, Unavailable
from services.notifications import notification_table, preference_table, recipient_table
from services.notifications.mail import AddressError, compose
from services.notifications.notification_table import Notification
from services.notifications.recipient_table import Recipient

TIMEOUT = 20.0
"""Seconds for a whole conversation; below a delivery's attempt."""

PACE = Pace(for_one=6)
"""Two places are left to others, however many mails wait for one customer: thousands, if it places
orders as fast as it can."""
PERMANENT = 500
"""From here on a reply code says: do not try again (RFC 5321, 4.2.1)."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go. TLS is taken where the server offers it."""

    host: str
    port: int


class Mailer:
    """The effect "email": sends what it is given a delivery for (`Payload`)."""

    def __init__(self, pool: asyncpg.Pool, server: MailServer, sender: Address) -> None:
        self._pool = pool
        self._server = server
        self._sender = sender

    async def deliver(self, delivery: Delivery) -> None:
        """Send a notification's mail; returning means that the mail server has it.

        FailedPrecondition: refused for good, its reason says by what. Unavailable: try again.
        """
        notification, recipient = await self._load(delivery)
        try:
            mail = compose(notification, recipient, self._sender)
        except AddressError as error:
            raise _refused("ADDRESS_INVALID") from error
        await send(mail, self._server, self._sender.addr_spec, recipient.email)

    async def _load(self, delivery: Delivery) -> tuple[Notification, Recipient]:
        async with acquire(self._pool) as connection:
            notification = await notification_table.delivered(connection, delivery.payload)
            recipient = await recipient_table.find(connection, notification.user_id)
            preference = await preference_table.find(connection, notification.user_id)
        if preference.email_disabled:
            raise _refused("CHANNEL_OFF")
        if recipient is None:
            raise Internal(f"{notification.recipient} has a notification and no address")
        return notification, recipient


async def send(mail: EmailMessage, server: MailServer, sender: str, recipient: str) -> None:
    """Give a mail to the server. FailedPrecondition or Unavailable; neither holds the address."""
    try:
        # The library's own timeout is for each reply: a server that dribbles would outlast it.
        async with asyncio.timeout(TIMEOUT):
            await aiosmtplib.send(
                mail,
                sender=sender,
                recipients=[recipient],
                hostname=server.host,
                port=server.port,
                timeout=TIMEOUT,
            )
    except aiosmtplib.SMTPRecipientsRefused as error:
        failure = _answered(error.recipients[0].code)
    except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as error:
        failure = _answered(error.code)
    except aiosmtplib.SMTPNotSupported:
        failure = _refused("SMTPUTF8_UNSUPPORTED")
    except (aiosmtplib.SMTPException, OSError) as error:
        # No connection, no greeting, no login: nothing that this mail could be blamed for.
        failure = Unavailable(f"mail server: {type(error).__name__}", reason="MAIL_SERVER_AWAY")
    else:
        return
    raise failure  # out here, so that it has no context: replies often hold the address


def _answered(code: int) -> FailedPrecondition | Unavailable:
    if code >= PERMANENT:
        return _refused(f"SMTP_{code}")
    return Unavailable(f"the mail server answered {code}", reason=f"SMTP_{code}")


def _refused(reason: str) -> FailedPrecondition:
    return FailedPrecondition("the mail can't be delivered", reason=reason)
