"""A page in a browser: the platform answers those of the origins that its settings name."""

import httpx
import pytest

from stack.settings import load_settings


def preflight(rest: httpx.Client, origin: str) -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    return rest.options("/v1/orders", headers=headers)


def test_a_preflight_from_an_allowed_origin_is_answered_without_a_token(
    rest: httpx.Client,
) -> None:
    [origin, *_] = load_settings().origins
    answer = preflight(rest, origin)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "authorization" in answer.headers["access-control-allow-headers"]
    # It opens nothing by itself: the call that follows needs its token.
    refused = rest.get("/v1/orders", headers={"origin": origin})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:3000.evil.example"])
def test_a_foreign_origin_is_allowed_nothing(rest: httpx.Client, origin: str) -> None:
    answers = (preflight(rest, origin), rest.get("/v1/orders", headers={"origin": origin}))
    for answer in answers:
        assert "access-control-allow-origin" not in answer.headers
