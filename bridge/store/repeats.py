"""The request_id of one call (AIP-155): the same request again has the result of the first."""

from dataclasses import dataclass

import asyncpg

from bridge.store import requests


@dataclass(frozen=True, slots=True)
class Repeats:
    """Scoped by caller and method; without a request_id every call is a new one.

    `body` is a digest of the rest of the request.
    """

    caller: str
    method: str
    request_id: str
    body: bytes

    @property
    def key(self) -> tuple[str, str, str]:
        """What two calls have in common of which one repeats the other."""
        return self.caller, self.method, self.request_id.lower()

    async def earlier(self, connection: asyncpg.Connection) -> str:
        """The resource of the first call, which there was. FailedPrecondition: another body."""
        return await requests.first(connection, *self.key, self.body)

    async def claim(self, connection: asyncpg.Connection) -> str | None:
        """The resource of the first call; None: this is it. FailedPrecondition: another body."""
        if not self.request_id:
            return None
        return await requests.claim(
            connection, self.caller, self.method, self.request_id, self.body
        )

    async def settle(self, connection: asyncpg.Connection, resource: str) -> None:
        """Name what this call made or changed, in its transaction."""
        if self.request_id:
            await requests.settle(connection, self.caller, self.method, self.request_id, resource)
