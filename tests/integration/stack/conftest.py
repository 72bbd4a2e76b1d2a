"""The platform's own settings and passwords, for tests that look behind the edge."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.kafka.settings import KafkaSettings
from stack.credentials import Credentials, load_credentials
from stack.environment import kafka_settings
from stack.provision.realm import Administrator
from stack.settings import Ports, Settings, load_settings
from tests.conftest import SETTINGS


@dataclass(frozen=True)
class Site:
    """One platform from the inside."""

    settings: Settings
    credentials: Credentials

    @property
    def port(self) -> Ports:
        return self.settings.port

    @property
    def administrator(self) -> Administrator:
        address = f"http://127.0.0.1:{self.port.keycloak}"
        return Administrator(address, "admin", self.credentials["keycloak/admin"])

    def kafka(self, user: str) -> KafkaSettings:
        return kafka_settings(self.settings, self.credentials, user)

    def dsn(self, role: str, database: str) -> str:
        password = self.credentials[f"postgres/{role}"]
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port.postgres}/{database}"


@pytest.fixture(scope="session")
def site() -> Site:
    """The platform that the session runs against."""
    state = Path(SETTINGS["CAUSEWAY_STATE"])
    ports = Ports.model_validate({"offset": SETTINGS["CAUSEWAY_PORT_OFFSET"]})
    return Site(load_settings(state=state, port=ports), load_credentials(state))
