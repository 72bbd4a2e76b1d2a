"""What the bridge process reads from the environment (`CAUSEWAY_*`)."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.kafka.settings import KafkaSettings


class Settings(BaseSettings):
    """Where this process listens, and what it talks to. The server kit reads its own settings.

    `listen` host:port · `database` DSN of the bridge's own · `databases` JSON object, name of a
    service → DSN of its database as the role `bridge` · `kafka` comma list of host:port ·
    `descriptors` path of the compiled descriptor set.
    """

    model_config = SettingsConfigDict(
        env_prefix="CAUSEWAY_", frozen=True, hide_input_in_errors=True
    )

    listen: str
    database: SecretStr
    databases: dict[str, SecretStr]
    kafka: str
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    descriptors: Path

    @property
    def dsn(self) -> str:
        """The bridge's own database, password and all."""
        return self.database.get_secret_value()

    @property
    def service_dsns(self) -> dict[str, str]:
        """The services' databases by name, passwords and all."""
        return {name: dsn.get_secret_value() for name, dsn in self.databases.items()}

    @property
    def brokers(self) -> KafkaSettings:
        """How to reach Kafka."""
        return KafkaSettings(
            bootstrap=self.kafka,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            client_id="bridge-api",
        )
