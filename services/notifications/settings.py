"""What the processes of Notifications read from the environment (`CAUSEWAY_*`)."""

from email.headerregistry import Address

from pydantic import field_validator

from bridge.settings import BridgeSettings
from services.notifications.mailer import MailServer
from services.notifications.webhook_allowed import Allowed


class Settings(BridgeSettings):
    """Where it listens, and its mail server. The server kit reads its own settings.

    `listen` host:port · `smtp` host:port of the mail server · `mail_from` address of the sender,
    whose domain is that of the Message-IDs too · `webhook_allowed` comma list of host names,
    addresses and networks, each with `:PORT` (else 80 and 443), that webhooks may reach although
    they are not public, over plain HTTP too; empty in production.
    """

    listen: str
    smtp: str = "127.0.0.1:1025"
    mail_from: str = "no-reply@causeway.example"
    webhook_allowed: str = ""

    @field_validator("webhook_allowed")
    @classmethod
    def _is_read(cls, text: str) -> str:
        Allowed.of(text)
        return text

    @property
    def mail_server(self) -> MailServer:
        """Where mails go."""
        host, _, port = self.smtp.rpartition(":")
        return MailServer(host, int(port))

    @property
    def mail_sender(self) -> Address:
        """Whom mails come from."""
        return Address(display_name="Causeway", addr_spec=self.mail_from)

    @property
    def webhooks(self) -> Allowed:
        """Where webhooks may go beside public addresses."""
        return Allowed.of(self.webhook_allowed)
