"""Which pages may call the edge: CAUSEWAY_ORIGINS, down to the edge's own settings."""

from pathlib import Path

import pytest

from stack.choices import Choices
from stack.errors import Code, StackError
from stack.settings import load_settings
from stack.steps import deployment


def origins(state: Path) -> tuple[str, ...]:
    return deployment(load_settings(state=state), Choices()).origins


def test_a_page_of_this_machine_may_call_where_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAUSEWAY_ORIGINS", raising=False)
    assert origins(tmp_path) == ("http://localhost:3000",)


def test_the_list_replaces_the_default_and_may_be_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAUSEWAY_ORIGINS", "https://shop.example, http://localhost:5173")
    assert origins(tmp_path) == ("https://shop.example", "http://localhost:5173")
    monkeypatch.setenv("CAUSEWAY_ORIGINS", "")
    assert origins(tmp_path) == ()


@pytest.mark.parametrize(
    "wrong",
    ["*", "https://*.example", "localhost:3000", "http://localhost:3000/", "http://me@here",
     "ftp://shop.example", "http://Shop.example", "http://localhost:port", "null"],
)  # fmt: skip
def test_what_no_browser_sends_as_an_origin_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("CAUSEWAY_ORIGINS", f"http://localhost:3000,{wrong}")
    with pytest.raises(StackError, match=r"CAUSEWAY_ORIGINS: .* is no origin") as caught:
        load_settings(state=tmp_path)
    assert caught.value.code is Code.SETTING_INVALID
