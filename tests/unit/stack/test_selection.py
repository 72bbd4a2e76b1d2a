"""What a start of some parts brings along."""

from pathlib import Path

from stack.artifacts import Artifacts
from stack.choices import Choices
from stack.platform import Platform
from stack.settings import load_settings


def names(tmp_path: Path, *only: str) -> set[str]:
    settings = load_settings(state=tmp_path)
    platform = Platform(settings, Choices(only=only), Artifacts(tmp_path))
    return {node.name for node in platform.nodes}


def test_a_service_brings_the_realm_without_whose_keys_it_is_never_ready(tmp_path: Path) -> None:
    assert {"orders-api-1", "orders-worker-1", "keycloak", "realm"} <= names(tmp_path, "orders")


def test_kafka_alone_brings_no_keycloak(tmp_path: Path) -> None:
    assert "keycloak" not in names(tmp_path, "kafka", "topics")
