"""Bugs that a life may be started with: the checker must see each of them."""

import uuid
from collections.abc import Callable, Mapping

from bridge.database import acquire
from bridge.effects.deliveries import Delivery, Result
from bridge.effects.sender import Sender
from services.notifications import mail


def _fresh_message_id() -> None:
    """Each try of a mail is a mail of its own."""
    mail.message_id = lambda *_: f"<{uuid.uuid4()}@causeway.example>"


def _outcome_apart() -> None:
    """The outcome of a delivery is recorded before, and not with, the end of the delivery."""

    async def end(self: Sender, delivery: Delivery, token: str, result: Result) -> None:
        async with acquire(self._pool) as connection:
            async with connection.transaction():
                await self._outcome(delivery, result, connection)
            state = "sent" if result.sent else "failed"
            await connection.fetchval(self._sql["end"], delivery.id, token, state, result.reason)

    Sender._end = end  # type: ignore[method-assign]


BUGS: Mapping[str, Callable[[], None]] = {
    "fresh_message_id": _fresh_message_id,
    "outcome_apart": _outcome_apart,
}


def plant(names: str) -> None:
    """Plant bugs by their names, between blanks."""
    for name in names.split():
        BUGS[name]()
