"""What the processes of Orders read from the environment (`CAUSEWAY_*`)."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.kafka.settings import KafkaSettings


class Settings(BaseSettings):
    """Where this process listens, and what it talks to. The server kit reads its own settings.

    `listen` host:port · `database` DSN of the application role · `kafka` comma list of host:port ·
    `registry` base of the Confluent API.
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

    @property
    def dsn(self) -> str:
        """The database, password and all."""
        return self.database.get_secret_value()

    def brokers(self, client_id: str) -> KafkaSettings:
        """How to reach Kafka."""
        return KafkaSettings(
            bootstrap=self.kafka,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            client_id=client_id,
        )
