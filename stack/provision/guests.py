"""A place on the platform for a service outside this repository: all that must be there before it
can append, relay and consume. Idempotent, and to be repeated when its events change."""

import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from stack import addresses
from stack.components.postgres import dsn
from stack.credentials import DATABASES, GUEST, Credentials
from stack.environment import kafka_environment, kafka_settings
from stack.errors import Code, StackError
from stack.schemas import refused
from stack.settings import Settings

if TYPE_CHECKING:
    from bridge.events.catalog import Catalog
    from bridge.kafka.admin import Rule

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED = ("postgres", "template0", "template1", *DATABASES)
PREFIX = "causeway."
"""Of the platform's own topics, which every service may read."""


def check_name(name: str) -> str:
    """Give a name back that may be a guest's; StackError SETTING_INVALID otherwise."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise StackError(
            Code.SETTING_INVALID,
            f"{name!r} can't be a service's name: small letters, digits and _, at most 40, and "
            f"none of {', '.join(RESERVED)}",
            "causeway adopt --help",
            usage=True,
        )
    return name


def read_events(modules: Sequence[ModuleType]) -> "Catalog":
    """Read the events of generated modules. StackError SETTING_INVALID says what is wrong."""
    from bridge.errors import CausewayError
    from bridge.events.catalog import Catalog

    try:
        catalog = Catalog.of(*modules)
    except CausewayError as error:
        raise _unfit(error.message) from None
    for topic in catalog.topics():
        if topic.startswith(PREFIX):
            raise _unfit(
                f"topics that begin with {PREFIX} are the platform's own, and {topic} is one"
            )
    return catalog


def guest_credentials(name: str) -> Sequence[str]:
    """Name the passwords that a guest has beside the platform's."""
    return (f"postgres/{name}", f"postgres/{name}_owner")


async def provision_guest(
    settings: Settings,
    credentials: Credentials,
    name: str,
    catalog: "Catalog",
    migrations: Sequence[Path],
) -> None:
    """Make what is missing: database, roles, tables, topics, access rules and schemas.

    Raises StackError REGISTRY_FAILED for a schema that readers of the last one could not read.
    """
    from bridge.errors import CausewayError
    from bridge.migrations import migrate
    from bridge.registry.schemas import register
    from stack.provision.databases import provision_guest_database
    from stack.provision.topics import provision_guest_topics

    await provision_guest_database(settings, credentials, name)
    await migrate(dsn(settings, credentials, f"{name}_owner", name), name, migrations)
    admin = kafka_settings(settings, credentials, "admin")
    await provision_guest_topics(admin, catalog.topics(), rules(name, catalog.topics()))
    try:
        await register(addresses.registry(settings.port), catalog)
    except CausewayError as error:
        raise refused(error) from error


def rules(name: str, topics: Sequence[str]) -> "set[Rule]":
    """Say what a guest may do: write and read its own topics, read the platform's, and be in
    groups that begin with its name."""
    from bridge.kafka.admin import Operation, Pattern, Resource, Rule
    from gateway.topics import SEALS

    own = {
        Rule(GUEST, operation, Resource.TOPIC, topic)
        for topic in topics
        for operation in (Operation.READ, Operation.WRITE)
    }
    groups = {
        Rule(GUEST, operation, Resource.GROUP, f"{name}.", Pattern.PREFIXED)
        for operation in (Operation.READ, Operation.DELETE)
    }
    shared = {
        Rule(GUEST, Operation.READ, Resource.TOPIC, PREFIX, Pattern.PREFIXED),
        # Its relay says there how far its seals reach, as everybody's does.
        Rule(GUEST, Operation.WRITE, Resource.TOPIC, SEALS),
    }
    return own | groups | shared


def guest_environment(settings: Settings, credentials: Credentials, name: str) -> dict[str, str]:
    """Give what the guest's processes read."""
    return {
        "CAUSEWAY_DATABASE": dsn(settings, credentials, name, name),
        **kafka_environment(settings, credentials, GUEST),
        "CAUSEWAY_REGISTRY": addresses.registry(settings.port),
    }


def _unfit(cause: str) -> StackError:
    return StackError(Code.SETTING_INVALID, cause, "causeway adopt --help", usage=True)
