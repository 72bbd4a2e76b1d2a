"""What every process with a store reads from the environment (`CAUSEWAY_*`)."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.kafka.settings import KafkaSettings


class BridgeSettings(BaseSettings):
    """Where the store, the brokers and the registry are; a service's own settings extend it.

    `database` DSN of the application role · `kafka` comma list of host:port, with a username and
    a password where the cluster asks for them · `registry` base of the Confluent API.
    """

    model_config = SettingsConfigDict(
        env_prefix="CAUSEWAY_", frozen=True, hide_input_in_errors=True
    )

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
