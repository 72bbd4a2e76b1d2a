"""A process is given what its settings declare: whatever else it held could only leak."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from bridge.api.settings import Settings as BridgeSettings
from bridge.api.settings import WorkerSettings as BridgeWorkerSettings
from bridge.errors import InvalidArgument
from bridge.server.settings import ServerSettings
from services.notifications.settings import Settings as NotificationsSettings
from services.notifications.webhook_address import target_of
from services.notifications.webhook_allowed import Allowed
from services.orders.settings import Settings as OrdersSettings
from services.users.settings import Settings as UsersSettings
from stack.choices import Choices
from stack.components.services import services
from stack.credentials import NAMES, Credentials
from stack.environment import shell_environment
from stack.errors import StackError
from stack.settings import DEFAULT_PORTS, REPLICAS, load_settings

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


@pytest.mark.parametrize("offset", [0, 11000])
def test_webhooks_reach_one_port_of_this_machine_and_no_part_of_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset: int
) -> None:
    monkeypatch.setenv("CAUSEWAY_PORT_OFFSET", str(offset))
    settings = load_settings(state=tmp_path)
    credentials = Credentials({name: f"secret of {name}" for name in NAMES})
    texts = {
        process.environment["CAUSEWAY_WEBHOOK_ALLOWED"]
        for process in services(settings, credentials, Choices())
        if process.name.startswith("notifications-")
    }
    assert texts == {f"127.0.0.1:{8090 + offset}"}
    allowed = Allowed.of(texts.pop())
    assert target_of(shell_environment(settings, credentials)["CAUSEWAY_WEBHOOK"], allowed)
    for name in DEFAULT_PORTS.keys() - {"webhook"}:
        port = getattr(settings.port, name)
        for scheme in ("http", "https"):
            with pytest.raises(InvalidArgument):
                target_of(f"{scheme}://127.0.0.1:{port}/quitquitquit", allowed)


@pytest.mark.parametrize("part", ["edge_admin", "keycloak", "bridge_worker"])
def test_the_port_of_webhooks_may_be_moved_to_no_parts(
    monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    port = DEFAULT_PORTS[part] + (REPLICAS - 1 if part == "bridge_worker" else 0)
    monkeypatch.setenv("CAUSEWAY_PORT_WEBHOOK", str(port))
    with pytest.raises(StackError, match=f"webhook and {part} share port {port}"):
        load_settings()


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
