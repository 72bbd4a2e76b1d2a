"""What a row of the tables is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.integration.edge.bench import Running
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.settings.edits import Change
from tests.integration.edge.wire import get, raw, status


@dataclass(frozen=True)
class Asked:
    """An edge that runs, and tokens for it."""

    edge: Running
    issuer: Issuer

    def token(self, *roles: str, **claims: Any) -> str:
        return self.issuer.token(*(roles or ("operator",)), **claims)

    def rest(self, verb: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        """A call by an operator, where no other token is given ("": none)."""
        return self.edge.rest(verb, path, self.token() if token is None else token, **more)

    def status(self, path: str, *headers: str, host: str = "localhost") -> int:
        """Of a GET whose path and headers no client library has looked at."""
        request = get(path, self.token(), *headers).replace(
            b"host: localhost", b"host: %b" % host.encode()
        )
        return status(raw(self.edge, request, 3))


@dataclass(frozen=True)
class Setting:
    """`holds` is true of the edge, and false of one `without` it.

    `deployment`: fields of Deployment that let it be seen soon, for both edges.
    """

    name: str
    without: Change
    holds: Callable[[Asked], bool]
    deployment: Mapping[str, Any] = field(default_factory=dict)
