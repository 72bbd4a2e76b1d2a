"""The environment variables by which programs find the platform and each other."""

from stack import addresses
from stack.components.postgres import dsn
from stack.credentials import SERVICES, Credentials
from stack.settings import Settings


def shell_environment(settings: Settings, credentials: Credentials) -> dict[str, str]:
    """What `causeway env` exports: addresses, and the DSNs of the services' own roles."""
    ports = settings.port
    databases = {
        f"CAUSEWAY_DATABASE_{name.upper()}": dsn(settings, credentials, name, name)
        for name in SERVICES
    }
    return {
        "CAUSEWAY_EDGE": addresses.edge(ports),
        "CAUSEWAY_KEYCLOAK": addresses.keycloak(ports),
        "CAUSEWAY_ISSUER": addresses.issuer(ports),
        "CAUSEWAY_KAFKA": addresses.kafka(ports),
        "CAUSEWAY_KAFKA_USERNAME": "observer",
        "CAUSEWAY_KAFKA_PASSWORD": credentials["kafka/observer"],
        "CAUSEWAY_REGISTRY": addresses.registry(ports),
        "CAUSEWAY_SMTP": addresses.smtp(ports),
        "CAUSEWAY_MAILBOX": addresses.mailbox(ports),
        **databases,
        "CAUSEWAY_STATE": str(settings.state),
    }
