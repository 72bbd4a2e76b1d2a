"""`causeway events verify` on the running platform."""

import json

from tests.platform import Platform


def test_the_history_of_every_service_is_clean_and_told_so(causeway: Platform) -> None:
    answer = causeway.causeway("events", "verify", "--json", timeout=120)
    reports = json.loads(answer.stdout)
    assert [report["findings"] for report in reports] == [[]] * len(reports)
    assert answer.returncode == 0
    assert [report["source"] for report in reports] == [
        "/causeway/orders",
        "/causeway/users",
        "/causeway/notifications",
        "/causeway/bridge",
    ]


def test_a_service_without_a_store_is_a_usage_error_that_names_those_with_one(
    causeway: Platform,
) -> None:
    answer = causeway.causeway("events", "verify", "nobody")
    assert answer.returncode == 2
    assert "orders, users, notifications, bridge" in answer.stderr
