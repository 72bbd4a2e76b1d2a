"""The parts of a running platform that follow from the protos, each compared with them."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from stack import addresses
from stack.choices import Choices
from stack.credentials import Credentials
from stack.environment import kafka_settings
from stack.errors import Code, StackError
from stack.live.outcome import Target
from stack.schemas import CORPUS, judged, register, registry
from stack.settings import Settings
from stack.steps import administrator, catalog, compiled_realm

if TYPE_CHECKING:
    from gateway.model import Model


class Comparison:
    """One platform, compared part by part in the order in which the parts are changed.

    What only adds comes first, and the edge after the realm: a role is there before a rule asks
    for it. Nothing is changed by comparing.
    """

    def __init__(self, settings: Settings, credentials: Credentials, choices: Choices) -> None:
        self._settings = settings
        self._credentials = credentials
        self._choices = choices

    async def targets(self, model: "Model", parts: Collection[str]) -> Sequence[Target]:
        """Compare every part whose component is in `parts`. Raises the StackError of a refusal."""
        from stack.live.edge import edge_target

        found = []
        if "edge" in parts:  # first: what Envoy refuses must not have changed anything
            found.append(await edge_target(self._settings, self._choices, model))
        if "keycloak" in parts:
            found.insert(0, await self._realm(model))
        if "kafka-1" in parts:
            found.insert(0, await self._topics(model))
        if "registry" in parts:
            found.insert(0, await self._schemas())
        return found

    async def _schemas(self) -> Target:
        from bridge.registry.schemas import find_all

        at = addresses.registry(self._settings.port)
        verdict = await judged(at, CORPUS)
        if verdict.problems:
            raise StackError(
                Code.REGISTRY_FAILED,
                "the events are not compatible with what was released or registered",
                "causeway schemas check",
                detail="\n".join(str(problem) for problem in verdict.problems),
            )
        async with registry(at) as client:
            known = await find_all(client, catalog())
        new = [f"new version of {subject}" for subject, schema in known.items() if schema is None]
        return Target("schemas", new, partial(_register, at))

    async def _topics(self, model: "Model") -> Target:
        from bridge.kafka.admin import open_admin
        from gateway.topics import topics
        from stack.provision.topics import plan_rules, plan_topics, provision_topics, rules

        settings = kafka_settings(self._settings, self._credentials, "admin")
        wanted = topics(model)
        async with open_admin(settings) as admin:
            changes = await plan_topics(settings, admin, wanted)
            changes += await plan_rules(admin, rules(wanted))
        texts = [change.text for change in changes]
        return Target("topics", texts, partial(provision_topics, settings, wanted))

    async def _realm(self, model: "Model") -> Target:
        from stack.provision.realm import plan_realm, provision_realm

        who = administrator(self._settings, self._credentials)
        wanted = compiled_realm(self._settings, self._credentials, model)
        changes = [change.text for change in await plan_realm(who, wanted)]
        note = "tokens follow when they are renewed, within 300 s" if changes else ""
        return Target("realm", changes, partial(provision_realm, who, wanted), note)


async def _register(at: str) -> None:
    await register(at)
