"""What a restart keeps, and what the whole platform takes."""

import os
import signal

import httpx
import psutil
import pytest

from tests.e2e.conftest import back, eventually
from tests.platform import Platform

FOUR_GIB = 4 * 2**30


def schema_ids(causeway: Platform) -> dict[str, int]:
    """Subject -> id of its newest schema."""
    registry = causeway["CAUSEWAY_REGISTRY"]
    subjects = httpx.get(f"{registry}/subjects", timeout=10).raise_for_status().json()
    return {
        subject: httpx.get(f"{registry}/subjects/{subject}/versions/latest", timeout=10).json()[
            "id"
        ]
        for subject in subjects
        if subject.startswith("causeway.")
    }


def test_schema_ids_survive_a_restart_of_the_registry(causeway: Platform) -> None:
    before = schema_ids(causeway)
    assert before
    killed = next(c["pid"] for c in causeway.status()["components"] if c["name"] == "registry")
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: back(causeway, {"registry": killed}), "the registry is back", seconds=60)
    assert schema_ids(causeway) == before


@pytest.mark.long
def test_the_whole_platform_takes_less_than_four_gibibytes(causeway: Platform) -> None:
    status = causeway.status()
    roots = [status["supervisor"], *(c["pid"] for c in status["components"])]
    processes = {
        process.pid: process
        for root in map(psutil.Process, roots)
        for process in (root, *root.children(recursive=True))
    }
    # The proportional share: memory that processes have in common counts once.
    taken = sum(process.memory_full_info().pss for process in processes.values())
    assert taken < FOUR_GIB
