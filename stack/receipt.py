"""The receipt at the end of `up`: where everything is, what persists, what to type next."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from stack import addresses
from stack.console import say
from stack.platform import Platform
from stack.settings import DEFAULT_PORTS, Ports

_PLACES = {
    "edge": ("the edge", addresses.edge, "REST, gRPC and gRPC-Web (Envoy)"),
    "edge_tls": ("", addresses.edge_tls, "the same over TLS; `causeway env` names its CA"),
    "keycloak": ("Keycloak", addresses.keycloak, "realm causeway"),
    "kafka_1": ("Kafka", addresses.kafka, "3 brokers"),
    "registry": ("registry", addresses.registry, "schemas (Apicurio)"),
    "mailbox": ("mailbox", addresses.mailbox, "every mail that was sent"),
}


def print_receipt(platform: Platform, begun: float, *, background: bool) -> None:
    """Print it; `begun` is the monotonic time of the start."""
    say(receipt(platform, time.monotonic() - begun, background=background))


def receipt(platform: Platform, seconds: float, *, background: bool) -> str:
    """The text. Only parts that were started are named."""
    started = platform.ports
    end = "causeway down stops it" if background else "Ctrl-C stops it"
    lines = ["", f"Causeway is ready after {seconds:.1f} s. {end}; the data stays.", ""]
    lines += _places(platform.settings.port, started)
    lines += ["", *_paths(platform.settings.state), ""]
    lines += _commands(platform.settings.port) if "edge" in started else [_next("status")]
    return "\n".join(lines)


def _places(ports: Ports, names: Collection[str]) -> list[str]:
    rows = [row for setting, row in _PLACES.items() if setting in names]
    lines = [f"  {title:<12} {address(ports)}   {words}" for title, address, words in rows]
    if "postgres" in names:
        lines.append(
            f"  {'PostgreSQL':<12} 127.0.0.1:{ports.postgres}   `causeway env` has the DSNs"
        )
    others = [f"{name} {getattr(ports, name)}" for name in DEFAULT_PORTS if name in names]
    return [*lines, f"  {'all ports':<12} {_wrapped(others)}"]


def _wrapped(words: Sequence[str]) -> str:
    rows = [", ".join(words[n : n + 4]) for n in range(0, len(words), 4)]
    return (",\n" + " " * 15).join(rows)


def _paths(state: Path) -> list[str]:
    return [
        f"  {'data':<12} {state}   databases, Kafka's log, users, schemas and mails persist",
        f"  {'logs':<12} {state / 'logs'}",
        f"  {'forget it':<12} {_program()} down --wipe",
    ]


def _commands(ports: Ports) -> list[str]:
    token = f'"authorization: Bearer $({_program()} token alice)"'
    return [
        "Try:",
        f"  {_program()} token alice",
        f"  curl -sH {token} {addresses.edge(ports)}/v1/products",
        f"  grpcurl -plaintext -H {token} 127.0.0.1:{ports.edge}"
        " causeway.orders.v1.OrderService/ListProducts",
    ]


def _next(command: str) -> str:
    return f"Next: {_program()} {command}"


def _program() -> str:
    """How this program can be called from where the person stands."""
    if shutil.which("causeway"):
        return "causeway"
    path = Path(sys.executable).with_name("causeway")
    return shlex.quote(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path))
