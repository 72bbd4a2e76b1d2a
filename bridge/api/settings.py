"""What the bridge's processes read from the environment (`CAUSEWAY_*`)."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.kafka.settings import KafkaSettings


class WorkerSettings(BaseSettings):
    """Where a process listens, and its own store. The server kit reads its own settings.

    `listen` host:port · `database` DSN of the bridge's own · `kafka` comma list of host:port.
    """

    model_config = SettingsConfigDict(
        env_prefix="CAUSEWAY_", frozen=True, hide_input_in_errors=True
    )

    listen: str
    database: SecretStr
    kafka: str
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")

    @property
    def dsn(self) -> str:
        """The bridge's own database, password and all."""
        return self.database.get_secret_value()

    def brokers_for(self, client_id: str) -> KafkaSettings:
        """How to reach Kafka."""
        return KafkaSettings(
            bootstrap=self.kafka,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            client_id=client_id,
        )


class Settings(WorkerSettings):
    """What the API asks beside.

    `registry` base of the Confluent API; empty: nothing is taken from outside ·
    `databases` JSON object, name of a service → DSN of its database as the role `bridge` ·
    `descriptors` path of the compiled descriptor set.
    """

    registry: str = ""
    databases: dict[str, SecretStr]
    descriptors: Path

    @property
    def service_dsns(self) -> dict[str, str]:
        """The services' databases by name, passwords and all."""
        return {name: dsn.get_secret_value() for name, dsn in self.databases.items()}

    @property
    def brokers(self) -> KafkaSettings:
        """How to reach Kafka."""
        return self.brokers_for("bridge-api")
