"""The passwords of one platform: made once per state directory, readable by its user alone."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

DATABASES = ("orders", "users", "notifications", "bridge", "keycloak", "registry")
SERVICES = ("orders", "users", "notifications", "bridge")
GUEST = "guest"
"""The Kafka user of services outside this repository; brokers learn users at their start alone."""
KAFKA_USERS = ("admin", *SERVICES, "observer", GUEST)

NAMES = (
    "postgres/postgres",
    *(f"postgres/{name}_owner" for name in DATABASES),
    *(f"postgres/{name}" for name in SERVICES),
    *(f"kafka/{name}" for name in KAFKA_USERS),
    "kafka/broker",
    "keycloak/admin",
    *(f"client/{name}" for name in SERVICES),
    *(f"signing/{name}" for name in SERVICES),
)
"""What each is for: a database role, a Kafka user, Keycloak's first administrator, a service's
account in the realm, a service's key for page tokens."""


class Credentials:
    """Passwords by name, e.g. `credentials["postgres/orders"]`."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = dict(passwords)

    def __getitem__(self, name: str) -> str:
        return self._passwords[name]

    def __repr__(self) -> str:
        return f"Credentials({len(self._passwords)} names)"


def load_credentials(state: Path, more: Iterable[str] = ()) -> Credentials:
    """Those of this state directory; what is missing is generated and written down first.

    `more` names some that only this platform has.
    """
    path = state / "secrets" / "passwords.json"
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    missing = [name for name in (*NAMES, *more) if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        write_secret(path, json.dumps(known, indent=1))
    return Credentials(known)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all (mode 0600)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)
