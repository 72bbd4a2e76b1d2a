"""How long a start may take on a slow machine."""

from pathlib import Path

from stack.artifacts import Artifacts
from stack.choices import Choices
from stack.java import START_LIMIT, java
from stack.platform import Platform
from stack.settings import load_settings


def test_no_part_in_java_has_less_time_to_start_than_another(tmp_path: Path) -> None:
    platform = Platform(load_settings(state=tmp_path), Choices(), Artifacts(tmp_path))
    limits = {
        one.name: one.start_timeout for one in platform.components if one.command[0] == str(java())
    }
    names = ("kafka-1", "kafka-2", "kafka-3", "keycloak", "registry")
    assert limits == dict.fromkeys(names, START_LIMIT)


def test_a_service_has_its_whole_time_once_the_realm_is_there(tmp_path: Path) -> None:
    platform = Platform(load_settings(state=tmp_path), Choices(), Artifacts(tmp_path))
    services = [one for one in platform.components if one.name.endswith(("api-1", "worker-1"))]
    assert len(services) == 8
    for one in services:
        assert one.timed_after == ("realm",)
        assert "realm" not in one.after
