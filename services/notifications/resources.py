"""The API's messages of what Notifications keeps."""

from bridge.timestamps import timestamp
from causeway.notifications.v1 import notification_service_pb2
from services.notifications.notification_table import Notification
from services.notifications.preference_table import Preference

CHANNELS = {
    "email": notification_service_pb2.Notification.CHANNEL_EMAIL,
    "webhook": notification_service_pb2.Notification.CHANNEL_WEBHOOK,
    "in_app": notification_service_pb2.Notification.CHANNEL_IN_APP,
}


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
        create_time=timestamp(notification.create_time),
        send_time=timestamp(notification.send_time),
        read_time=timestamp(notification.read_time),
    )


def preferences_message(preference: Preference) -> notification_service_pb2.Preferences:
    """The caller's preferences, without the secret: it goes in and never out."""
    return notification_service_pb2.Preferences(
        email_disabled=preference.email_disabled,
        webhook_uri=preference.webhook_uri,
        etag=str(preference.version),
    )
