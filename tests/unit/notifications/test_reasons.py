"""Whoever reads why a notification failed can look it up."""

import re
from pathlib import Path

import services.notifications
from stack.pages import page
from stack.reasons import REASONS

REASON = re.compile(r'(?:_refused\(|reason=|", )"([A-Z][A-Z_]+[A-Z])"')


def test_every_reason_of_the_channels_has_a_page() -> None:
    folder = Path(services.notifications.__file__).parent
    files = [*folder.glob("webhook*.py"), folder / "mailer.py"]
    found = {name for path in files for name in REASON.findall(path.read_text("utf-8"))}
    assert {"CHANNEL_OFF", "WEBHOOK_TIMEOUT", "ADDRESS_INVALID", "MAIL_SERVER_AWAY"} <= found
    assert found <= set(REASONS)


def test_a_status_of_somebody_elses_server_is_explained() -> None:
    for name in ("webhook_410", "WEBHOOK_503"):
        assert page(name) == f"{name.upper()}\n\n{REASONS['WEBHOOK_STATUS']}"
    assert page("SMTP_550").startswith("SMTP_550")
