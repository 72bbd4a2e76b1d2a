"""The gate judges the protos that are there, not those of the last `make generate`."""

import sys

import pytest

from stack.errors import Code, StackError
from stack.generated import require_generated


def test_modules_that_follow_the_protos_are_judged() -> None:
    require_generated()


def test_modules_that_are_older_than_the_protos_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    differing = "import sys; sys.exit('generated code differs: events_pb2.py')"
    monkeypatch.setattr("stack.generated.GENERATE", (sys.executable, "-c", differing))
    with pytest.raises(StackError) as refused:
        require_generated()
    assert refused.value.code is Code.NOT_GENERATED
    assert refused.value.next_command == "make generate"
    assert "events_pb2.py" in refused.value.detail
