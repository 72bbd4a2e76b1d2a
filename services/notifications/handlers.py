"""What Notifications does when something happened: a row to show, and a delivery to send.

Two groups: `…customers` reads the users' topic, `…orders` the orders'; both only write here, the
sender does the rest.
"""

from collections.abc import Mapping, Sequence

import uuid_utils
from google.protobuf.message import Message

from bridge.effects import deliveries
from bridge.errors import Internal, Unavailable
from bridge.events.event import Event
from bridge.handling import Handler, Handling
from causeway.users.v1.events_pb2 import UserRegistered, UserUpdated
from services.notifications import notification_table, preference_table, recipient_table
from services.notifications.messages import MESSAGES, Notice
from services.notifications.notification_table import Notification, State
from services.notifications.payload import Payload
from services.notifications.recipient_table import Recipient

CUSTOMERS_GROUP = "causeway.notifications.customers"
ORDERS_GROUP = "causeway.notifications.orders"
EMAIL, WEBHOOK = "email", "webhook"
"""Channels, and the effects that carry them."""
EFFECTS = (EMAIL, WEBHOOK)
IN_APP = "in_app"
"""Shown by the API alone, to whom has no channel on: nothing is sent, so nothing is to come."""


async def know(handling: Handling) -> None:
    """Keep the name and address of a new user, and welcome it."""
    message = handling.event.message
    if not isinstance(message, UserRegistered):
        raise Internal(f"{handling.event.type} came to the handler of UserRegistered")
    recipient = Recipient(message.display_name or message.username, message.email)
    await recipient_table.save(handling.connection, message.user_id, recipient)
    await notify(handling)


async def know_better(handling: Handling) -> None:
    """Follow a change of name or address."""
    message = handling.event.message
    if not isinstance(message, UserUpdated):
        raise Internal(f"{handling.event.type} came to the handler of UserUpdated")
    # The event has no user name to fall back on.
    name = message.display_name or message.email.partition("@")[0]
    recipient = Recipient(name, message.email)
    await recipient_table.save(handling.connection, message.user_id, recipient)


async def notify(handling: Handling) -> None:
    """Write a notification and its delivery for each channel. Unavailable until its recipient is
    known.

    A notification is there once. Where it was there before, it is delivered again only for a
    replay that was asked to.
    """
    event = handling.event
    notice = MESSAGES[type(event.message)](event.message)
    await _check_known(handling, notice)
    for channel in await _channels(handling, notice):
        notification = _notification(event, notice, channel)
        told, is_new = await notification_table.add(handling.connection, notification)
        if channel != IN_APP and (is_new or handling.effects is not None):
            payload = Payload(told, event.type).written()
            await deliveries.enqueue(handling, channel, notice.recipient, payload)


async def _channels(handling: Handling, notice: Notice) -> Sequence[str]:
    """Those that the recipient has on, of which a replay takes what it was asked for. With none
    left, an event that was not told yet is shown all the same."""
    user_id = notice.recipient.removeprefix("users/")
    preference = await preference_table.find(handling.connection, user_id)
    on = {EMAIL: not preference.email_disabled, WEBHOOK: bool(preference.webhook_uri)}
    asked = on if handling.effects is None else handling.effects
    channels = [channel for channel, is_on in on.items() if is_on and channel in asked]
    if channels or await notification_table.is_told(handling.connection, handling.event.id):
        return channels
    return [IN_APP]


def _notification(event: Event, notice: Notice, channel: str) -> Notification:
    return Notification(
        id=str(uuid_utils.uuid7()),
        recipient=notice.recipient,
        channel=channel,
        title=notice.title,
        body=notice.body,
        state=State.SENT if channel == IN_APP else State.PENDING,
        cause_event_id=event.id,
        subject=notice.subject,
        create_time=event.time,
    )


async def _check_known(handling: Handling, notice: Notice) -> None:
    user_id = notice.recipient.removeprefix("users/")
    if await recipient_table.find(handling.connection, user_id) is None:
        raise Unavailable(
            f"{notice.recipient} is not registered yet",
            reason="RECIPIENT_UNKNOWN",
            metadata={"user": notice.recipient, "subject": notice.subject},
        )


CUSTOMERS: Mapping[type[Message], Handler] = {UserRegistered: know, UserUpdated: know_better}
ORDERS: Mapping[type[Message], Handler] = {
    kind: notify for kind in MESSAGES if kind is not UserRegistered
}
