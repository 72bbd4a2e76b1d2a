"""Whether the platform is as well as before: processes, health, logs, parked events."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.platform import Platform

SETTLED = 120.0
"""Seconds for the consumers to come to the end of what the fuzzing caused."""
CRIES = (
    "Traceback (most recent call last)",
    "][critical]",
    "assert failure",
    "Caught Segmentation",
)


@dataclass(frozen=True, slots=True)
class Signs:
    """`processes`: id and restarts by name; `read`: bytes of each log; `parked`: names."""

    processes: Mapping[str, tuple[int, int]]
    read: Mapping[str, int]
    parked: frozenset[str]


def signs(causeway: Platform) -> Signs:
    """Look at everything now."""
    parts = causeway.status()["components"]
    listed = causeway.causeway("deadletters", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    return Signs(
        processes={part["name"]: (part["pid"], part["restarts"]) for part in parts},
        read={part["log"]: Path(part["log"]).stat().st_size for part in parts},
        parked=frozenset(letter["name"] for letter in json.loads(listed.stdout)),
    )


def harm(causeway: Platform, before: Signs, targets: Mapping[str, str]) -> list[str]:
    """What is not as it was before, in words; empty: nothing."""
    settle(causeway)
    now = signs(causeway)
    return [
        *ended(before, now),
        *cries(before),
        *(f"parked: {name}" for name in sorted(now.parked - before.parked)),
        *unwell(targets),
    ]


def ended(before: Signs, now: Signs) -> Iterator[str]:
    """Processes that are not the same ones any more."""
    for name, process in before.processes.items():
        if now.processes.get(name) != process:
            yield f"{name} was process {process[0]}, is {now.processes.get(name, ('gone',))[0]}"


def cries(before: Signs) -> Iterator[str]:
    """Errors in the logs since then."""
    for log, read in before.read.items():
        with Path(log).open("rb") as file:
            file.seek(read)
            for line in file.read().decode(errors="replace").splitlines():
                if is_cry(line):
                    yield f"{Path(log).name}: {line[:2000]}"


def is_cry(line: str) -> bool:
    """Whether a line of a log tells of something that must not happen."""
    if line.startswith("{"):
        try:
            return bool(json.loads(line).get("level") in ("error", "critical"))
        except ValueError:
            return False
    return any(cry in line for cry in CRIES)


def unwell(targets: Mapping[str, str]) -> Iterator[str]:
    """Who does not answer, or not well."""
    for path in ("/healthz", "/readyz"):
        answer = httpx.get(f"http://{targets['edge']}{path}", timeout=20)
        if answer.status_code != 200:
            yield f"edge {path}: {answer.status_code} {answer.text}"
    for name, target in targets.items():
        if name == "edge":
            continue
        with grpc.insecure_channel(target) as channel:
            state = HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20).status
        if state != health_pb2.HealthCheckResponse.SERVING:
            yield f"{name}: {health_pb2.HealthCheckResponse.ServingStatus.Name(state)}"


def settle(causeway: Platform) -> None:
    """Wait until no consumer has anything before it."""
    deadline = time.monotonic() + SETTLED
    while behind := _behind(causeway):
        assert time.monotonic() < deadline, f"not handled within {SETTLED} s: {behind}"
        time.sleep(0.3)


def _behind(causeway: Platform) -> list[str]:
    headers = {"authorization": f"Bearer {causeway.token('oscar')}"}
    answer = httpx.get(f"{causeway['CAUSEWAY_EDGE']}/v1/cluster", headers=headers, timeout=20)
    if not answer.is_success:
        return [f"nobody knows: {answer.status_code} {answer.text}"]
    groups: list[dict[str, Any]] = answer.json()["groups"]
    return [
        f"{group['id']} {lag['topic']}/{lag['partition']}: {lag['lag']}"
        for group in groups
        for lag in group["lags"]
        if lag["lag"] != "0"
    ]
