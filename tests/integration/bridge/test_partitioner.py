"""The partition of a key, asked of kafka-clients' own class."""

import tempfile
from pathlib import Path

import pytest
from aiokafka.partitioner import DefaultPartitioner

from bridge.kafka.partitioner import partition_of
from tests.java.running import answers, compiled, jars
from tests.unit.bridge.test_partition import GOLDEN

KEYS = [
    key.encode() for key in [*GOLDEN, *(f"0198f2f0-7c3b-7d44-9c2e-{n:012x}" for n in range(200))]
]


@pytest.mark.parametrize("partitions", [1, 3, 1000])
async def test_java_and_we_choose_the_same_partition(partitions: int) -> None:
    libraries = await jars("kafka")
    with tempfile.TemporaryDirectory() as folder:
        command = await compiled("Partitions", libraries, Path(folder))
        java = answers(command, str(partitions), lines=[key.hex() for key in KEYS])
    every = list(range(partitions))
    chosen = list(map(int, java))
    assert [partition_of(key, partitions) for key in KEYS] == chosen
    assert [DefaultPartitioner()(key, every, every) for key in KEYS] == chosen
