"""The environment variables by which programs find the platform and each other."""

import json
from typing import TYPE_CHECKING

from stack import addresses
from stack.components.postgres import dsn
from stack.credentials import SERVICES, Credentials
from stack.settings import Settings

if TYPE_CHECKING:
    from bridge.kafka.settings import KafkaSettings

CLIENTS = ("causeway-cli", *SERVICES)
"""The clients of the local realm: no token of another one counts."""

DEACTIVATIONS = "causeway.users.v1/causeway.users.v1.UserDeactivated"
"""Which event ends what its key, a user, may do: every api process refuses that user's tokens."""


def shell_environment(settings: Settings, credentials: Credentials) -> dict[str, str]:
    """What `causeway env` exports: addresses, and the DSNs of the services' own roles."""
    ports = settings.port
    databases = {
        f"CAUSEWAY_DATABASE_{name.upper()}": dsn(settings, credentials, name, name)
        for name in SERVICES
    }
    return {
        "CAUSEWAY_EDGE": addresses.edge(ports),
        "CAUSEWAY_EDGE_TLS": addresses.edge_tls(ports),
        "CAUSEWAY_CA": str(addresses.authority(settings.state)),
        "CAUSEWAY_EDGE_ADMIN": addresses.edge_admin(ports),
        "CAUSEWAY_KEYCLOAK": addresses.keycloak(ports),
        "CAUSEWAY_ISSUER": addresses.issuer(ports),
        **kafka_environment(settings, credentials, "observer"),
        "CAUSEWAY_REGISTRY": addresses.registry(ports),
        "CAUSEWAY_SMTP": addresses.smtp(ports),
        "CAUSEWAY_MAILBOX": addresses.mailbox(ports),
        "CAUSEWAY_WEBHOOK": f"http://{addresses.webhook(ports)}",
        **databases,
        "CAUSEWAY_STATE": str(settings.state),
    }


def service_environment(
    settings: Settings, credentials: Credentials, service: str, kind: str, listen: str
) -> dict[str, str]:
    """What one process of a service is given: what its settings declare, and nothing beside.

    `kind` is "api" or "worker".
    """
    ports = settings.port
    return {
        "CAUSEWAY_LISTEN": listen,
        **kafka_environment(settings, credentials, service),
        "CAUSEWAY_ISSUER": addresses.issuer(ports),
        "CAUSEWAY_JWKS": addresses.jwks(ports),
        "CAUSEWAY_CLIENTS": ",".join(CLIENTS),
        "CAUSEWAY_DEACTIVATIONS": DEACTIVATIONS,
        "CAUSEWAY_SIGNING_KEY": credentials[f"signing/{service}"],
        **_own(settings, credentials, service, kind),
    }


def _own(settings: Settings, credentials: Credentials, service: str, kind: str) -> dict[str, str]:
    """What not every process has a use for: a secret is given to nobody who does not use it."""
    own = {"CAUSEWAY_DATABASE": dsn(settings, credentials, service, service)}
    if service == "bridge":
        return own | (_bridge_api(settings, credentials) if kind == "api" else {})
    ports = settings.port
    found = own | {"CAUSEWAY_REGISTRY": addresses.registry(ports)}
    if service == "users":
        found |= {
            "CAUSEWAY_KEYCLOAK": addresses.keycloak(ports),
            "CAUSEWAY_CLIENT_ID": service,
            "CAUSEWAY_CLIENT_SECRET": credentials[f"client/{service}"],
        }
    if service == "notifications":
        found["CAUSEWAY_SMTP"] = addresses.smtp(ports)
        # One port of a developer's machine: on any other may be a part of the platform.
        found["CAUSEWAY_WEBHOOK_ALLOWED"] = addresses.webhook(ports)
    return found


def _bridge_api(settings: Settings, credentials: Credentials) -> dict[str, str]:
    return {
        "CAUSEWAY_REGISTRY": addresses.registry(settings.port),
        "CAUSEWAY_DATABASES": json.dumps(audited(settings, credentials)),
    }


def audited(settings: Settings, credentials: Credentials) -> dict[str, str]:
    """The services' databases as the role `bridge` reaches them, by service."""
    services = (name for name in SERVICES if name != "bridge")
    return {name: dsn(settings, credentials, "bridge", name) for name in services}


def stores(settings: Settings, credentials: Credentials) -> dict[str, str]:
    """Every store as the role `bridge` reaches it, by service; the bridge's own is the last."""
    return audited(settings, credentials) | {
        "bridge": dsn(settings, credentials, "bridge", "bridge")
    }


def kafka_settings(settings: Settings, credentials: Credentials, user: str) -> "KafkaSettings":
    """How `user` reaches the brokers."""
    from bridge.kafka.settings import KafkaSettings

    password = credentials[f"kafka/{user}"]
    return KafkaSettings(addresses.kafka(settings.port), user, password, client_id="causeway-stack")


def kafka_environment(settings: Settings, credentials: Credentials, user: str) -> dict[str, str]:
    """How a process that is `user` reaches the brokers."""
    return {
        "CAUSEWAY_KAFKA": addresses.kafka(settings.port),
        "CAUSEWAY_KAFKA_USERNAME": user,
        "CAUSEWAY_KAFKA_PASSWORD": credentials[f"kafka/{user}"],
    }
