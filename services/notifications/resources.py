"""The API's messages of what Notifications keeps."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from causeway.notifications.v1 import notification_service_pb2
from services.notifications.notification_table import Notification

CHANNELS = {"email": notification_service_pb2.Notification.CHANNEL_EMAIL}


def notification_message(notification: Notification) -> notification_service_pb2.Notification:
    """The resource `notifications/{id}`."""
    return notification_service_pb2.Notification(
        name=f"notifications/{notification.id}",
        title=notification.title,
        text=notification.body,
        channel=CHANNELS[notification.channel],
        state=notification_service_pb2.Notification.State.ValueType(notification.state),
        cause=f"events/{notification.cause_event_id}",
        subject=notification.subject,
        create_time=_timestamp(notification.create_time),
        send_time=_timestamp(notification.send_time),
        read_time=_timestamp(notification.read_time),
    )


def _timestamp(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message
