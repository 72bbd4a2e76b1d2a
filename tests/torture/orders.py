"""What one actor of a run is told: a line of JSON, because passwords belong on no command line."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bridge.kafka.settings import KafkaSettings
from tests.torture.history import History


@dataclass(frozen=True, slots=True)
class Orders:
    """Role, place and chances of one actor; `options` are the role's own (see each role)."""

    role: str
    name: str
    seed: int
    dsn: str
    kafka: KafkaSettings
    topic: str
    directory: Path
    """Where histories go."""
    bug: str = ""
    """The planted bug, a name of `planted.PLANTED`; empty: the product as it is."""
    options: Mapping[str, Any] = field(default_factory=dict)
    life: int = 1
    """Counts those who had this post."""

    def random(self) -> Random:
        """Chances of this life of this actor; the same for the same seed."""
        return Random(f"{self.seed}/{self.name}/{self.life}")  # noqa: S311 (no secret)

    def history(self) -> History:
        return History(self.directory / f"{self.name}.{self.life}.jsonl")

    def line(self) -> bytes:
        return json.dumps({**asdict(self), "directory": str(self.directory)}).encode() + b"\n"


def parse(line: str) -> Orders:
    """Read what `Orders.line` wrote."""
    given = json.loads(line)
    kafka, directory = KafkaSettings(**given["kafka"]), Path(given["directory"])
    return Orders(**{**given, "kafka": kafka, "directory": directory})
