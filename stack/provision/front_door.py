"""Whether calls from outside would be answered: asked of Envoy, not tried out.

A call that proves it needs a token, and the first login of a fresh Keycloak costs seconds.
"""

from collections.abc import Iterable

import anyio

from stack.components.http_probe import get

KEYS = "http.edge.jwt_authn.jwks_fetch_success"
STATISTICS = f"/stats?usedonly&filter={KEYS}|membership_healthy$"
PAUSE = 0.1
PATIENCE = 60.0
"""Seconds; both heal within two of them on a machine that is not overloaded."""


async def opened(admin_port: int, services: Iterable[str]) -> None:
    """Return when the edge has the realm's keys and a healthy replica of each service.

    Raises TimeoutError that names what it waits for.
    """
    wanted = {KEYS, *(f"cluster.{service}.membership_healthy" for service in services)}
    deadline = anyio.current_time() + PATIENCE
    while missing := wanted - await _positive(admin_port):
        if anyio.current_time() > deadline:
            raise TimeoutError(f"the edge still waits for {', '.join(sorted(missing))}")
        await anyio.sleep(PAUSE)


async def _positive(admin_port: int) -> set[str]:
    """The names of the statistics that are not zero."""
    try:
        text = await get(admin_port, STATISTICS)
    except (OSError, TimeoutError):
        return set()
    rows = (line.partition(": ") for line in text.splitlines())
    return {name for name, _, value in rows if value.isdigit() and int(value) > 0}
