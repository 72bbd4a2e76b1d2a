"""Where one run plays: its database, topic and crew, on parts that runs may share."""

from dataclasses import dataclass
from random import Random

from tests.torture.crew import Crew
from tests.torture.history import History
from tests.torture.place import Place


@dataclass(frozen=True)
class Stage:
    """What an adversary may touch."""

    place: Place
    crew: Crew
    dsn: str
    topic: str
    random: Random
    history: History
    """Of the adversary: what it did, and when."""
    seconds: float
    """How long the writers write."""
