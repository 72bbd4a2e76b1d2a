"""Page tokens: opaque, signed, and good only for the caller and the filter they were made for."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial

from google.protobuf.message import Message
from pydantic import SecretStr

from bridge.errors import FieldViolation, InvalidArgument
from bridge.server.canonical import body_hash
from bridge.server.identity import current_call
from bridge.server.sealed import mac, seal, unseal

DEFAULT_PAGE = 50
MAX_PAGE = 200
Cursor = tuple[str | int, ...]


class PageTokens:
    """Seals and opens the page tokens of List methods, within a call.

    A token is base64url of a 16-byte HMAC-SHA256 and a JSON list, the cursor: the values of the
    last row in the list's order. The MAC covers method, caller and every other field of the
    request but `page_size`, so that a token opens no list that its holder may not see.
    """

    def __init__(self, secret: SecretStr) -> None:
        self._key = hashlib.sha256(b"page-token\0" + secret.get_secret_value().encode()).digest()

    def seal(self, request: Message, cursor: Sequence[str | int]) -> str:
        """Make the `next_page_token` after the row with these values."""
        text = json.dumps(list(cursor), separators=(",", ":")).encode()
        return seal(text, partial(self._tag, request))

    def open(self, request: Message) -> Cursor | None:
        """Return the cursor of `request.page_token`; None for the first page.

        Raises InvalidArgument for a token that was altered, or made for another list.
        """
        token: str = request.page_token  # type: ignore[attr-defined]
        if not token:
            return None
        text = unseal(token, partial(self._tag, request))
        if text is None:
            raise bad_token()
        return tuple(json.loads(text))

    def _tag(self, request: Message, text: bytes) -> bytes:
        call = current_call()
        parts = (
            call.method.path.encode(),
            call.caller.subject.encode(),
            body_hash(request, "page_token", "page_size"),
            text,
        )
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return mac(self._key, framed)


def page_size(request: Message) -> int:
    """Return how many rows a page has: 50 unless asked for, at most 200."""
    asked: int = request.page_size  # type: ignore[attr-defined]
    return min(asked, MAX_PAGE) if asked > 0 else DEFAULT_PAGE


def bad_token() -> InvalidArgument:
    """Refuse a page token, without saying what about it is wrong."""
    text = "is not a page token of this list"
    return InvalidArgument(
        f"page_token: {text}",
        violations=(FieldViolation("page_token", text),),
        reason="INVALID_PAGE_TOKEN",
    )
