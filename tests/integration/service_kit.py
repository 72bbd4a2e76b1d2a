"""A service behind the real server kit, and its clients; the issuer is the test's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from pydantic import SecretStr

from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from client.platform import Platform
from tests.unit.server.conftest import ISSUER, Issuer

SIGNING_KEY = SecretStr("0123456789abcdef")
As: TypeAlias = Callable[..., Platform]


def settings_for(issuer: Issuer) -> ServerSettings:
    """Those of every replica: all have the same signing key."""
    return ServerSettings(
        issuer=ISSUER,
        jwks=issuer.url,
        clients=("causeway-cli",),
        signing_key=SIGNING_KEY,
        drain_delay=0,
        drain_grace=3,
    )


@asynccontextmanager
async def started(server: Server) -> AsyncIterator[Server]:
    """Serve meanwhile, on a free port."""
    await server.start("127.0.0.1:0")
    try:
        yield server
    finally:
        await server.drain()


@asynccontextmanager
async def clients(server: Server, issuer: Issuer) -> AsyncIterator[As]:
    """What makes a client of a user; a customer unless other roles are given; nobody without a
    user. `at`: another replica."""
    opened: list[Platform] = []

    def connect(user: str = "", *roles: str, at: Server = server) -> Platform:
        token = issuer.token(*(roles or ("customer",)), sub=user)

        async def source() -> str:
            return token

        opened.append(Platform(f"127.0.0.1:{at.port}", source if user else None))
        return opened[-1]

    yield connect
    for one in opened:
        await one.channel.close()
