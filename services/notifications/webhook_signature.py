"""Signs webhooks as Standard Webhooks has it, so that its libraries verify them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from bridge.errors import FieldViolation, InvalidArgument

FIELD = "preferences.webhook_secret"
PREFIX = "whsec_"
SHORTEST = 16
"""Bytes of a key."""


def key_of(secret: str) -> bytes:
    """The key that a customer's secret stands for: what follows `whsec_` is Base64, any other
    secret is its own UTF-8. InvalidArgument (WEBHOOK_SECRET_INVALID); nothing of it is shown."""
    try:
        key = (
            base64.b64decode(secret.removeprefix(PREFIX), validate=True)
            if secret.startswith(PREFIX)
            else secret.encode()
        )
    except (binascii.Error, ValueError):
        raise _refused("is no Base64 after whsec_") from None
    if len(key) < SHORTEST:
        raise _refused(f"is too short: take at least {SHORTEST} bytes")
    return key


def check_secret(secret: str) -> None:
    """Refuse what a customer may not choose (InvalidArgument, WEBHOOK_SECRET_INVALID): blanks are
    nobody's secret, and those at its ends get lost where it is copied to."""
    if not secret.isprintable() or " " in secret:
        raise _refused("must be of printable characters, without blanks")
    key_of(secret)


def signed(message_id: str, timestamp: int, body: bytes, key: bytes) -> Mapping[str, str]:
    """The three headers; `timestamp` is the time of this try in seconds, so that a request which
    somebody kept grows old."""
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _refused(why: str) -> InvalidArgument:
    text = f"webhook_secret {why}"
    return InvalidArgument(
        text, violations=(FieldViolation(FIELD, text),), reason="WEBHOOK_SECRET_INVALID"
    )
