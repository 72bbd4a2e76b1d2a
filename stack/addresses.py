"""Where the parts of a local platform are, as other programs need them."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from stack.settings import Ports

HOST = "127.0.0.1"
REALM = "causeway"


def edge(ports: Ports) -> str:
    """The one door: REST, gRPC and gRPC-Web."""
    return f"http://{HOST}:{ports.edge}"


def edge_tls(ports: Ports) -> str:
    """The same door with TLS; trust `ca.pem` of the state directory."""
    return f"https://{HOST}:{ports.edge_tls}"


def edge_admin(ports: Ports) -> str:
    """Envoy's own statistics; on loopback alone."""
    return f"http://{HOST}:{ports.edge_admin}"


def authority(state: Path) -> Path:
    """The certificate of this platform's own authority, which a client of `edge_tls` trusts."""
    return state / "ca.pem"


def keycloak(ports: Ports) -> str:
    """Keycloak's base address."""
    return f"http://{HOST}:{ports.keycloak}"


def issuer(ports: Ports) -> str:
    """What tokens of the local realm name as `iss`."""
    return f"{keycloak(ports)}/realms/{REALM}"


def jwks(ports: Ports) -> str:
    """The keys that sign the realm's tokens."""
    return f"{issuer(ports)}/protocol/openid-connect/certs"


def token_endpoint(ports: Ports) -> str:
    """Where a password or a client secret becomes a token."""
    return f"{issuer(ports)}/protocol/openid-connect/token"


def kafka(ports: Ports) -> str:
    """The three brokers, comma separated."""
    return ",".join(f"{HOST}:{port}" for port in ports.brokers())


def registry(ports: Ports) -> str:
    """The registry's Confluent API."""
    return f"http://{HOST}:{ports.registry}/apis/ccompat/v7"


def smtp(ports: Ports) -> str:
    """The mailbox's SMTP side, host:port."""
    return f"{HOST}:{ports.smtp}"


def mailbox(ports: Ports) -> str:
    """The mailbox's list of mails."""
    return f"http://{HOST}:{ports.mailbox}/messages"


def webhook(ports: Ports) -> str:
    """Where a webhook of this machine may listen, host:port; no part of the platform does."""
    return f"{HOST}:{ports.webhook}"


def exports(values: Mapping[str, str]) -> str:
    """Lines for a shell's `eval`."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
