"""Nothing that was handled is remembered: whatever Kafka gives again is handled again."""

from collections.abc import Sequence

from bridge.consumer import consumer
from bridge.handling import Handler, Handling, Middleware
from bridge.middleware.standard import standard

FORGET = "DELETE FROM bridge.inbox WHERE event_id = $1::text::uuid"


def plant() -> None:
    consumer.standard = _forgetful  # type: ignore[attr-defined]


def _forgetful(group: str) -> Sequence[Middleware]:
    return (*standard(group), _forget)


def _forget(handler: Handler) -> Handler:
    async def forgotten(handling: Handling) -> None:
        await handler(handling)
        await handling.connection.execute(FORGET, handling.event.id)

    return forgotten
