"""How the subscriptions of a process reach the log."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from bridge.kafka.onlooker import Onlooker, open_onlooker, partitions_of
from bridge.kafka.record import Partition
from bridge.kafka.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Log:
    """Two calls: a connection, and the partitions that topics have (none: it is not there)."""

    open: Callable[[], AbstractAsyncContextManager[Onlooker]]
    partitions: Callable[[Collection[str]], Awaitable[list[Partition]]]


def log_of(settings: KafkaSettings) -> Log:
    """The log of a cluster; nothing is connected yet."""
    return Log(partial(open_onlooker, settings), partial(partitions_of, settings))
