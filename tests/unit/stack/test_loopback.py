"""Calls to loopback pass no proxy."""

import httpx
import pytest

from stack.loopback import direct


def test_loopback_is_added_to_what_is_there_already() -> None:
    assert direct({"no_proxy": "intern.example, localhost"}) == dict.fromkeys(
        ("NO_PROXY", "no_proxy"), "intern.example,localhost,127.0.0.1,::1"
    )


def test_a_client_that_obeys_a_proxy_reaches_loopback_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:3128")
    for name, value in direct({}).items():
        monkeypatch.setenv(name, value)
    with httpx.Client() as client:
        direct_way = client._transport_for_url(httpx.URL("http://127.0.0.1:8080/"))
        assert direct_way is client._transport
        through = client._transport_for_url(httpx.URL("http://example.com/"))
        assert through is not client._transport
