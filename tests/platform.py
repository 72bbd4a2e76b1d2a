"""The one platform that a test session runs against, on ports and state of its own."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CAUSEWAY = str(Path(sys.executable).parent / "causeway")
START_TIMEOUT = 600.0
"""Seconds: the first start of a machine fetches 400 MB and makes Keycloak's tables."""


@dataclass(frozen=True)
class Platform:
    """A running platform; `environment` is what `causeway env` prints."""

    settings: dict[str, str]
    environment: dict[str, str]

    def causeway(self, *arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run the `causeway` program against this platform."""
        return run(self.settings, *arguments, timeout=timeout)

    def status(self) -> dict[str, Any]:
        """What `causeway status --json` says, also where a part is down."""
        answer: dict[str, Any] = json.loads(self.causeway("status", "--json").stdout)
        return answer

    def token(self, user: str) -> str:
        """An access token of one of the local users."""
        answer = self.causeway("token", user)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def __getitem__(self, name: str) -> str:
        return self.environment[name]


def run(
    settings: dict[str, str], *arguments: str, timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run the `causeway` program with these settings; its output is captured."""
    return subprocess.run(  # noqa: S603
        [CAUSEWAY, *arguments],
        env={**os.environ, **settings},
        cwd=ROOT,
        start_new_session=True,  # `down` is not ended by the Ctrl-C that asked for it
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def attach(settings: dict[str, str]) -> Platform:
    """The platform that runs with these settings."""
    answer = run(settings, "env")
    assert answer.returncode == 0, answer.stderr
    words = shlex.split(answer.stdout)
    pairs = (word.split("=", 1) for word in words if "=" in word)
    return Platform(settings, dict(pairs))


@contextmanager
def running(settings: dict[str, str]) -> Iterator[Platform]:
    """The platform with two replicas of Orders; stopped at the end where it did not run before."""
    reused = is_running(settings)
    try:
        if not reused:
            stop(settings)
            start(settings, "--scale", "orders=2")
        yield attach(settings)
    finally:
        if not reused:
            stop(settings)


def is_running(settings: dict[str, str]) -> bool:
    """Whether every part of the platform answers; what waits in its stores is another question."""
    told = run(settings, "status", "--json").stdout
    return bool(told) and all(part["up"] for part in json.loads(told)["components"])


def start(settings: dict[str, str], *arguments: str) -> None:
    """Start it and wait; a failing start shows what `up` said."""
    answer = run(settings, "up", "--detach", *arguments, timeout=START_TIMEOUT)
    if answer.returncode:
        raise AssertionError(f"causeway up failed:\n{answer.stdout}\n{answer.stderr}")


def stop(settings: dict[str, str]) -> None:
    """Stop it, also where it is half up."""
    run(settings, "down", timeout=60)
