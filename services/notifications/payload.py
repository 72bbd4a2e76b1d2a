"""What a delivery of Notifications carries from its handler to its channel and its outcome."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payload:
    """Which notification, and the type of the event that it tells of: its message's full name.

    Written as the two with a space between. Deliveries from before webhooks have the id alone.
    """

    notification_id: str
    event_type: str = ""

    def written(self) -> bytes:
        """The bytes of a delivery's payload."""
        return f"{self.notification_id} {self.event_type}".rstrip().encode()

    @classmethod
    def read(cls, payload: bytes) -> "Payload":
        """What `written` wrote."""
        notification_id, _, event_type = payload.decode().partition(" ")
        return cls(notification_id, event_type)
