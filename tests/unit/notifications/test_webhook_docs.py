"""What docs/webhooks.md tells customers to run verifies what we sign, and nothing else."""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.notifications.webhook import PACE, body_of
from services.notifications.webhook_post import TIMEOUT
from services.notifications.webhook_signature import SHORTEST, key_of, signed
from tests.platform import ROOT
from tests.unit.notifications.test_mail import notification

PAGE = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
SECRETS = ["at-least-sixteen-bytes", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]


@pytest.fixture
def verified() -> Callable[[dict[str, str], bytes, str], bool]:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Callable[[dict[str, str], bytes, str], bool]] = {}
    exec(code, names)  # noqa: S102 - the page's own
    return names["verified"]


@pytest.mark.parametrize("secret", SECRETS)
def test_the_six_lines_verify_a_post_and_no_other(
    verified: Callable[[dict[str, str], bytes, str], bool], secret: str
) -> None:
    body = body_of(notification(), "causeway.orders.v1.OrderConfirmed")
    now = int(time.time())
    headers = dict(signed("e1", now, body, key_of(secret)))
    assert verified(headers, body, secret)
    assert not verified(headers, body + b" ", secret)
    assert not verified(headers, body, "another secret, long enough")
    assert not verified(headers | {"webhook-id": "e2"}, body, secret)
    assert not verified(headers | {"webhook-timestamp": str(now - 1)}, body, secret)
    assert not verified(headers | {"webhook-signature": "v1,é"}, body, secret)
    old = dict(signed("e1", now - 600, body, key_of(secret)))
    assert not verified(old, body, secret)


def test_the_page_names_every_field_of_a_post() -> None:
    body = body_of(replace(notification(), body="ö"), "a.b.C").decode()
    named = set(re.findall(r"`([a-z]+)`", PAGE.partition("## What is posted")[2]))
    assert set(re.findall(r'"([a-z]+)":', body)) <= named
    assert "ö" in body


def test_the_page_says_how_often_and_how_long() -> None:
    pauses = [
        min(PACE.first_pause * 2**n, PACE.longest_pause) for n in range((PACE.attempts or 0) - 1)
    ]
    words = " ".join(PAGE.split())
    assert f"{PACE.attempts} times in some {sum(pauses) / 3600:.0f} hours" in words
    assert f"within {TIMEOUT:.0f} seconds" in words
    assert SHORTEST == 16
    assert "at-least-sixteen-bytes" in words
