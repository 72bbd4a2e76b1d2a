"""What the processes of Users read from the environment (`CAUSEWAY_*`)."""

from decimal import Decimal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.kafka.settings import KafkaSettings
from services.users.money import NANOS


class Settings(BaseSettings):
    """Where this process listens, and what it talks to. The server kit reads its own settings.

    `listen` host:port · `database` DSN of the application role · `kafka` comma list of host:port ·
    `registry` base of the Confluent API · `keycloak` its base address, with the `realm` and the
    service account that may manage its users · `credit_limit` of new users in EUR.
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
    keycloak: str
    realm: str = "causeway"
    client_id: str
    client_secret: SecretStr
    credit_limit: Decimal = Field(
        default=Decimal("500.00"), ge=0, le=Decimal(1_000_000_000), decimal_places=9
    )

    @property
    def dsn(self) -> str:
        """The database, password and all."""
        return self.database.get_secret_value()

    @property
    def credit_limit_nanos(self) -> int:
        """The credit limit of new users in nanos of EUR."""
        return int(self.credit_limit * NANOS)

    def brokers(self, client_id: str) -> KafkaSettings:
        """How to reach Kafka."""
        return KafkaSettings(
            bootstrap=self.kafka,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            client_id=client_id,
        )
