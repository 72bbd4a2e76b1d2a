"""docker-compose.yml, and the local platform as it would look with containers for hosts.

Whatever is a value of the local platform comes from the functions that make it; the few lines in
which containers must differ are written down here, each with its reason.
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from gateway.deployments import SERVICE_PORT, container
from stack.artifacts import Artifacts
from stack.choices import Choices
from stack.component import Component, Task
from stack.containers.secrets import variable
from stack.credentials import NAMES, Credentials
from stack.platform import Platform
from stack.settings import BROKERS, DEFAULT_PORTS, Settings

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
Json = dict[str, Any]

# Local name -> compose name, where they differ: gateway/deployments.py calls it envoy.
RENAMED = {"edge": "envoy"}
# The edge's configuration is part of its image: nothing to do at a start.
BAKED_IN = {"configuration"}


def read(path: Path = FILE) -> Json:
    """The whole file."""
    found: Json = yaml.safe_load(path.read_text("utf-8"))
    return found


def secret(name: str) -> str:
    """How the file names a password: required, without a default."""
    return f"${{{variable(name)}:?see .env.example}}"


@cache
def local() -> tuple[Settings, Credentials, Platform]:
    """The local platform on its default ports, with the file's placeholders for passwords."""
    with patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith(("CAUSEWAY_", "OTEL_"))]:
            del os.environ[name]
        settings = Settings(state=Path("/state"), cache=Path("/cache"))
        credentials = Credentials({name: secret(name) for name in NAMES})
        platform = Platform(settings, Choices(), Artifacts(settings.cache))
        platform.credentials = credentials  # before its own would be made, on disk
        assert platform.nodes
    return settings, credentials, platform


def processes() -> dict[str, Component]:
    """The local processes by their name in the file."""
    return {compose_name(one.name): one for one in local()[2].components}


def tasks() -> dict[str, Task]:
    """The local one-shot steps that containers need, too."""
    nodes = (node for node in local()[2].nodes if isinstance(node, Task))
    return {node.name: node for node in nodes if node.name not in BAKED_IN}


def compose_name(name: str) -> str:
    """A compose service has replicas, so `orders-api-1` is `orders-api`; `kafka-1` is itself."""
    name = RENAMED.get(name, name)
    return name if name.startswith("kafka-") else re.sub(r"-\d+$", "", name)


def inside() -> dict[int, str]:
    """Local port -> host:port by which one container finds that part."""
    port = local()[0].port
    edge, tls, keycloak = container().listen, container().tls, container().keycloak
    assert tls is not None
    apis = {
        getattr(port, f"{area}_api"): f"{address.host}:{address.port}"
        for area, (address,) in container().clusters.items()
    }
    workers = {
        getattr(port, f"{area}_worker"): f"{area}-worker:{SERVICE_PORT}"
        for area in container().clusters
        if f"{area}_worker" in DEFAULT_PORTS
    }
    brokers = {at: f"kafka-{n}:{at}" for n, at in zip(BROKERS, port.brokers(), strict=True)}
    controllers = {at: f"kafka-{n}:{at}" for n, at in zip(BROKERS, port.controllers(), strict=True)}
    return {
        port.edge: f"envoy:{edge.port}",
        port.edge_tls: f"envoy:{tls.listen.port}",
        port.keycloak: f"{keycloak.host}:{keycloak.port}",
        port.registry: f"registry:{port.registry}",
        port.postgres: f"postgres:{port.postgres}",
        port.smtp: f"mailbox:{port.smtp}",
        port.mailbox: f"mailbox:{port.mailbox}",
        **apis,
        **workers,
        **brokers,
        **controllers,
    }


def moved(text: str) -> str:
    """A local value with the addresses that it has between containers."""
    return re.sub(r"127\.0\.0\.1:(\d+)", lambda match: inside()[int(match[1])], text)


def environment(local_values: Mapping[str, str], **differing: str) -> dict[str, str]:
    """A local environment between containers; `differing` is what can't be derived by moving."""
    same = {name: moved(one) for name, one in local_values.items() if name not in differing}
    return same | differing
