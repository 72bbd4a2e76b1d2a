"""The generated modules of events: all of them, wherever the package is spread."""

from pathlib import Path

import pytest

import causeway
from bridge.events.generated import event_modules, events_from_outside


def test_each_module_is_found_once_in_all_folders_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [one.__name__ for one in event_modules()]
    assert "causeway.orders.v1.events_pb2" in found
    # As where protos are compiled beside those that are installed.
    monkeypatch.setattr(causeway, "__path__", [str(tmp_path), *causeway.__path__ * 2])
    assert [one.__name__ for one in event_modules()] == found
    assert [one.__name__ for one in event_modules("users")] == ["causeway.users.v1.events_pb2"]


def test_events_from_outside_are_those_that_somebody_may_publish() -> None:
    assert [one.name for one in events_from_outside()] == ["causeway.inventory.v1.StockAdjusted"]
