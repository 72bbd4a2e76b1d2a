"""What the bridge process reads from the environment (`CAUSEWAY_*`)."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.kafka.settings import KafkaSettings


class Settings(BaseSettings):
    """Where it listens, the brokers, and the compiled descriptor set that reflection shows."""

    model_config = SettingsConfigDict(
        env_prefix="CAUSEWAY_", frozen=True, hide_input_in_errors=True
    )

    listen: str
    kafka: str
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    descriptors: Path

    @property
    def brokers(self) -> KafkaSettings:
        """How to reach Kafka."""
        return KafkaSettings(
            bootstrap=self.kafka,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            client_id="bridge-api",
        )
