"""The composition: every part of the local platform, and what comes after what."""

from collections.abc import Sequence
from functools import cached_property

from stack.artifacts import Artifacts
from stack.choices import Choices
from stack.component import Component, Node
from stack.components.envoy import envoy
from stack.components.kafka import kafka
from stack.components.keycloak import keycloak
from stack.components.mailbox import mailbox
from stack.components.postgres import postgres
from stack.components.registry import registry
from stack.components.services import services
from stack.credentials import Credentials, load_credentials
from stack.graph import select
from stack.settings import Settings
from stack.steps import steps


class Platform:
    """The graph for the given settings and choices. Building it starts nothing."""

    def __init__(self, settings: Settings, choices: Choices, artifacts: Artifacts) -> None:
        self.settings = settings
        self.choices = choices
        self.artifacts = artifacts

    @cached_property
    def credentials(self) -> Credentials:
        """The passwords of this state directory; made at the first use."""
        return load_credentials(self.settings.state)

    @cached_property
    def nodes(self) -> Sequence[Node]:
        """All components and tasks, or those chosen and what they need."""
        settings, credentials, choices = self.settings, self.credentials, self.choices
        nodes: list[Node] = [
            *self._infrastructure(),
            *services(settings, credentials, choices),
            *steps(settings, credentials, choices),
        ]
        return select(nodes, choices.only) if choices.only else nodes

    @property
    def components(self) -> list[Component]:
        """The processes among the nodes."""
        return [node for node in self.nodes if isinstance(node, Component)]

    @property
    def ports(self) -> dict[str, int]:
        """Setting -> port, of all components."""
        return {name: port for one in self.components for name, port in one.ports.items()}

    async def fetch(self, *, offline: bool) -> None:
        """Make the downloads of the nodes present in the cache."""
        names = {node.name.partition("-")[0] for node in self.nodes}
        parts = [part for part in ("kafka", "keycloak", "registry") if part in names]
        await self.artifacts.ensure(parts, offline=offline)

    def _infrastructure(self) -> list[Node]:
        settings, credentials, artifacts = self.settings, self.credentials, self.artifacts
        return [
            postgres(settings, credentials),
            *kafka(settings, credentials, artifacts),
            keycloak(settings, credentials, artifacts),
            registry(settings, credentials, artifacts),
            mailbox(settings),
            envoy(settings, after=("configuration", "certificates"), prepare=None),
        ]
