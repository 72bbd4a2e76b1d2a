"""A process is given what its settings declare: whatever else it held could only leak."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from bridge.api.settings import Settings as BridgeSettings
from bridge.api.settings import WorkerSettings as BridgeWorkerSettings
from bridge.server.settings import ServerSettings
from services.notifications.settings import Settings as NotificationsSettings
from services.orders.settings import Settings as OrdersSettings
from services.users.settings import Settings as UsersSettings
from stack.choices import Choices
from stack.components.services import services
from stack.credentials import NAMES, Credentials
from stack.settings import load_settings

DECLARED: dict[str, type[BaseSettings]] = {
    "orders": OrdersSettings,
    "users": UsersSettings,
    "notifications": NotificationsSettings,
    "bridge-api": BridgeSettings,
    "bridge-worker": BridgeWorkerSettings,
}
OPTIONAL = {"CAUSEWAY_KAFKA_USERNAME", "CAUSEWAY_KAFKA_PASSWORD"}
"""They have defaults, for a cluster that asks for nobody's name; ours asks."""


def given(service: str, state: Path) -> Iterator[set[str]]:
    """The variables of each process of a service."""
    credentials = Credentials({name: f"secret of {name}" for name in NAMES})
    for process in services(load_settings(state=state), credentials, Choices()):
        if process.name.startswith(f"{service}-"):
            yield {
                name
                for name in process.environment
                if name.startswith("CAUSEWAY_") and name != "CAUSEWAY_TRACE_KAFKA"
            }


@pytest.mark.parametrize("service", DECLARED)
def test_a_process_is_given_what_its_settings_declare_and_no_more(
    service: str, tmp_path: Path
) -> None:
    fields = ServerSettings.model_fields | DECLARED[service].model_fields
    known = {f"CAUSEWAY_{name.upper()}" for name in fields}
    needed = {f"CAUSEWAY_{name.upper()}" for name, one in fields.items() if one.is_required()}
    found = list(given(service, tmp_path))
    assert found
    for names in found:
        assert names <= known
        assert names >= needed | OPTIONAL
