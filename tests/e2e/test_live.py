"""The running platform is what the protos say, and its services are replaced while calls go on."""

import subprocess
import threading

import httpx
import pytest

from tests.e2e.conftest import Customer, bearer
from tests.platform import Platform

PARTS = ("files", "schemas", "topics", "realm", "edge")


@pytest.mark.parametrize("options", [("--dry-run",), ()])
def test_a_platform_that_was_just_started_has_nothing_to_be_brought_into_line(
    causeway: Platform, options: tuple[str, ...]
) -> None:
    told = causeway.causeway("compile", *options, timeout=120)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == [
        *(f"{part:<10} as the protos say" for part in PARTS),
        "services   started with these protos",
    ]


def test_a_service_that_does_not_exist_is_a_usage_error(causeway: Platform) -> None:
    told = causeway.causeway("restart", "nobody")
    assert told.returncode == 2
    assert "UNKNOWN_NAME: there is no service 'nobody'" in told.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("restart", "notifications"), "notifications-api-1 is ready"),
        (("scale", "notifications=2"), "notifications-worker-2 is ready"),
        (("scale", "notifications=1"), "notifications-api-2 stopped"),
    ],
)
def test_a_service_is_moved_while_calls_go_on_and_none_fails(
    causeway: Platform, customer: Customer, words: tuple[str, str], expected: str
) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def call() -> None:
        with httpx.Client(
            base_url=causeway["CAUSEWAY_EDGE"], headers=bearer(customer.token), timeout=20
        ) as http:
            while not stop.is_set():
                statuses.append(http.get("/v1/preferences").status_code)
                stop.wait(0.02)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        told: subprocess.CompletedProcess[str] = causeway.causeway(
            *words, "--drain", "5", timeout=120
        )
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    assert told.returncode == 0, told.stderr
    assert expected in told.stdout
    assert len(statuses) > 50
    assert set(statuses) == {200}
    assert causeway.causeway("status").returncode == 0
