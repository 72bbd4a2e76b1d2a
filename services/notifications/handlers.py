"""What Notifications does when something happened: a row to show, and a delivery to send.

Two groups: `…customers` reads the users' topic, `…orders` the orders'; both only write here, the
sender does the rest.
"""

from collections.abc import Mapping

import uuid_utils
from google.protobuf.message import Message

from bridge.effects import deliveries
from bridge.errors import Internal, Unavailable
from bridge.handling import Handler, Handling
from causeway.users.v1.events_pb2 import UserRegistered, UserUpdated
from services.notifications import notification_table, recipient_table
from services.notifications.messages import MESSAGES, Notice
from services.notifications.notification_table import Notification, State
from services.notifications.recipient_table import Recipient

CUSTOMERS_GROUP = "causeway.notifications.customers"
ORDERS_GROUP = "causeway.notifications.orders"
EMAIL = "email"


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
    recipient = Recipient(message.display_name, message.email)
    await recipient_table.save(handling.connection, message.user_id, recipient)


async def notify(handling: Handling) -> None:
    """Write the notification and its delivery. Unavailable until its recipient is known.

    The notification is there once. Where it was there before, its mail goes again only for a
    replay that was asked to send mails.
    """
    event = handling.event
    notice = MESSAGES[type(event.message)](event.message)
    await _check_known(handling, notice)
    notification = Notification(
        id=str(uuid_utils.uuid7()),
        recipient=notice.recipient,
        channel=EMAIL,
        title=notice.title,
        body=notice.body,
        state=State.PENDING,
        cause_event_id=event.id,
        subject=notice.subject,
        create_time=event.time,
    )
    told, is_new = await notification_table.add(handling.connection, notification)
    if is_new or handling.effects is not None:
        await deliveries.enqueue(handling, EMAIL, notice.recipient, told.encode())


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
