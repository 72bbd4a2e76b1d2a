"""What the processes of Notifications read from the environment (`CAUSEWAY_*`)."""

from email.headerregistry import Address

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.kafka.settings import KafkaSettings
from services.notifications.mailer import MailServer


class Settings(BaseSettings):
    """Where this process listens, and what it talks to. The server kit reads its own settings.

    `listen` host:port · `database` DSN of the application role · `kafka` comma list of host:port ·
    `registry` base of the Confluent API · `smtp` host:port of the mail server · `mail_from` address
    of the sender, whose domain is that of the Message-IDs too.
    """

    model_config = SettingsConfigDict(
        env_prefix="CAUSEWAY_", frozen=True, hide_input_in_errors=True
    )

    listen: str
    database: SecretStr
    kafka: str
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    registry: str
    smtp: str = "127.0.0.1:1025"
    mail_from: str = "no-reply@causeway.example"

    @property
    def dsn(self) -> str:
        """The database, password and all."""
        return self.database.get_secret_value()

    @property
    def mail_server(self) -> MailServer:
        """Where mails go."""
        host, _, port = self.smtp.rpartition(":")
        return MailServer(host, int(port))

    @property
    def mail_sender(self) -> Address:
        """Whom mails come from."""
        return Address(display_name="Causeway", addr_spec=self.mail_from)

    def brokers(self, client_id: str) -> KafkaSettings:
        """How to reach Kafka."""
        return KafkaSettings(
            bootstrap=self.kafka,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            client_id=client_id,
        )
