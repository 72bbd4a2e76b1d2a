"""What a process of a run is started with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.crashpoints.trigger import Aim

PROCESSES = (
    "users-api",
    "users-worker",
    "orders-api",
    "orders-worker",
    "notifications-api",
    "notifications-worker",
    "bridge-api",
    "bridge-worker",
)


@dataclass(frozen=True, slots=True)
class Life:
    """`run` prefixes the run's topics and groups; `environment` is what the platform would set."""

    process: str
    run: str
    environment: Mapping[str, str]
    directory: Path
    aim: Aim | None = None
    bug: str = ""

    @property
    def report(self) -> Path:
        """Where the process notes the points that it passes."""
        return self.directory / f"{self.process}.points"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.directory / f"{self.process}.log"
