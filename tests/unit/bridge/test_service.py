"""A service of one's own is told what it lacks, in words that help."""

import pytest

from bridge.errors import FailedPrecondition
from bridge.service import open_service
from causeway.orders.v1 import events_pb2 as orders


async def test_settings_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE", "REGISTRY"):
        monkeypatch.delenv(f"CAUSEWAY_{name}", raising=False)
    monkeypatch.setenv("CAUSEWAY_KAFKA", "127.0.0.1:9092")
    with pytest.raises(FailedPrecondition) as refused:
        async with open_service("/payments", orders):
            pass
    assert refused.value.reason == "SETTINGS_MISSING"
    assert "CAUSEWAY_DATABASE, CAUSEWAY_REGISTRY: not set" in refused.value.message
