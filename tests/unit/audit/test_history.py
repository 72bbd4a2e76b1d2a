"""A check of history that can't come to its end says so in a sentence."""

from types import SimpleNamespace

import pytest

from bridge.audit.findings import Finding, Kind, Report
from bridge.errors import Unavailable
from stack.audit import history
from stack.errors import StackError


async def test_a_log_that_gives_nothing_more_is_named_and_no_stack_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def unreadable(*_: object, **__: object) -> None:
        raise Unavailable("the log can't be read on", reason="LOG_UNREADABLE")

    platform = SimpleNamespace(settings=None, credentials=None)
    monkeypatch.setattr(history, "running_platform", lambda: (platform, None))
    monkeypatch.setattr(history, "stores", lambda *_: {"orders": "postgresql://none"})
    monkeypatch.setattr(history, "kafka_settings", lambda *_: None)
    monkeypatch.setattr("bridge.audit.verify.verify", unreadable)
    with pytest.raises(StackError, match="of orders could not be checked: the log can't be read"):
        await history.checked([])


def test_a_name_that_holds_lines_writes_none_into_the_report() -> None:
    report = Report("/causeway/orders")
    forged = "bridge.events has: child x\n/causeway/orders: clean.\x1b[2A"
    report.add(Finding(Kind.STRUCTURE_CHANGED, detail=forged))
    report.add(Finding(Kind.INSERTED, stream="orders/ключ"))
    text = history.report_text(report)
    assert len(text.splitlines()) == 3
    assert "\x1b" not in text
    assert "stream=orders/ключ" in text
