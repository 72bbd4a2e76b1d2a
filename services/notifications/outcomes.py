"""Records how a delivery ended: the event and the notification's row, in one transaction."""

from datetime import datetime

import asyncpg
from google.protobuf.message import Message

from bridge.effects.deliveries import Delivery, Outcome, Result
from bridge.store.event_store import EventStore
from causeway.notifications.v1.events_pb2 import NotificationFailed, NotificationSent
from services.notifications import notification_table
from services.notifications.notification_table import Notification, State


def record_to(store: EventStore) -> Outcome:
    """The outcome of a sender, appended to `store`."""

    async def record(delivery: Delivery, result: Result, connection: asyncpg.Connection) -> None:
        notification = await notification_table.delivered(connection, delivery.payload)
        stream = f"notifications/{notification.id}"
        message = _ended(notification, result)
        # One outcome, or more: a replay may have sent it again.
        version = len(await store.load(connection, stream))
        (event,) = await store.append(connection, stream, version, [message], delivery.origin)
        await _show(connection, notification, result, event.time)

    return record


async def _show(
    connection: asyncpg.Connection, notification: Notification, result: Result, time: datetime
) -> None:
    state = State.SENT if result.sent else State.FAILED
    send_time = time if result.sent else None
    await notification_table.end(connection, notification.id, state, send_time)


def _ended(notification: Notification, result: Result) -> Message:
    if result.sent:
        return NotificationSent(
            notification_id=notification.id,
            recipient=notification.recipient,
            channel=notification.channel,
            title=notification.title,
            cause_event_id=notification.cause_event_id,
            attempts=result.attempts,
        )
    return NotificationFailed(
        notification_id=notification.id,
        recipient=notification.recipient,
        channel=notification.channel,
        title=notification.title,
        cause_event_id=notification.cause_event_id,
        attempts=result.attempts,
        reason=result.reason,
    )
