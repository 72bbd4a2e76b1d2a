"""The platform's passwords, from the environment."""

from collections.abc import Mapping

from stack.credentials import NAMES, Credentials
from stack.errors import Code, StackError


def variable(name: str) -> str:
    """The environment variable of a password: "kafka/admin" -> "CAUSEWAY_SECRET_KAFKA_ADMIN"."""
    return f"CAUSEWAY_SECRET_{name.upper().replace('/', '_')}"


def credentials(environment: Mapping[str, str]) -> Credentials:
    """All passwords. Raises StackError SETTING_INVALID that names the variables not set."""
    missing = [variable(name) for name in NAMES if not environment.get(variable(name))]
    if missing:
        raise StackError(
            Code.SETTING_INVALID,
            f"not set: {', '.join(missing)}",
            "fill .env as .env.example says",
            usage=True,
        )
    return Credentials({name: environment[variable(name)] for name in NAMES})
