"""The effect "webhook": a signed POST of JSON to the address that a customer gave."""

import json
from collections.abc import Callable

import asyncpg

from bridge.database import acquire
from bridge.effects.deliveries import Delivery
from bridge.effects.sender import Pace
from bridge.errors import FailedPrecondition
from services.notifications import notification_table, preference_table
from services.notifications.notification_table import Notification
from services.notifications.payload import Payload
from services.notifications.webhook_post import Poster
from services.notifications.webhook_signature import key_of, signed

PACE = Pace(
    first_pause=5.0,
    longest_pause=6 * 3600.0,
    attempts=16,
    at_once=32,
    for_one=4,
    for_failing=8,
)
"""A server may be away for some 23 hours: the pauses double from 5 s to 6 h. Many at once, because
those that hang wait for their timeout; few of them of one customer, and fewer of those that failed:
eight accounts whose server hangs would hold every place, try after try."""

Clock = Callable[[], float]
"""Seconds since 1970."""


class Webhook:
    """Posts what it is given a delivery for (`Payload`)."""

    def __init__(self, pool: asyncpg.Pool, poster: Poster, clock: Clock) -> None:
        self._pool = pool
        self._poster = poster
        self._clock = clock

    async def deliver(self, delivery: Delivery) -> None:
        """Post a notification; returning means that the customer's server took it.

        FailedPrecondition or InvalidArgument: for good, the reason says why. Unavailable: try
        again. Address and secret are those of now, as a mail's address is.
        """
        async with acquire(self._pool) as connection:
            notification = await notification_table.delivered(connection, delivery.payload)
            preference = await preference_table.find(connection, notification.user_id)
        if not preference.webhook_uri:
            raise FailedPrecondition("the customer has no webhook any more", reason="CHANNEL_OFF")
        body = body_of(notification, Payload.read(delivery.payload).event_type)
        key = key_of(preference.webhook_secret)
        headers = signed(notification.cause_event_id, int(self._clock()), body, key)
        headers = {"content-type": "application/json", **headers}
        await self._poster.post(preference.webhook_uri, headers, body)


def body_of(notification: Notification, event_type: str) -> bytes:
    """UTF-8 JSON, the same at every try: docs/webhooks.md describes it."""
    time = notification.create_time.isoformat(timespec="milliseconds")
    fields = {
        "id": notification.cause_event_id,
        "type": event_type,
        "time": time.replace("+00:00", "Z"),
        "subject": notification.subject,
        "notification": f"notifications/{notification.id}",
        "title": notification.title,
        "text": notification.body,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
