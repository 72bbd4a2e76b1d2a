"""The gRPC face of Notifications: requests in, resources out; everybody sees its own alone."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from bridge.server.canonical import body_hash
from bridge.server.identity import current_call, current_caller
from bridge.server.paging import PageTokens, page_size
from bridge.server.resume import ResumeTokens
from bridge.store.repeats import Repeats
from causeway.notifications.v1 import notification_service_pb2 as pb
from causeway.notifications.v1.notification_service_pb2_grpc import NotificationServiceServicer
from services.notifications.commands import Commands
from services.notifications.preference_request import preference_change
from services.notifications.queries import Queries
from services.notifications.resources import notification_message, preferences_message
from services.notifications.tail import Position
from services.notifications.watch import Watch
from services.notifications.webhook_allowed import Allowed

WATCHED = "notifications"
"""What resume tokens are for: everybody watches all of its own."""
Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(NotificationServiceServicer):
    """causeway.notifications.v1.NotificationService."""

    def __init__(
        self,
        queries: Queries,
        commands: Commands,
        watch: Watch,
        pages: PageTokens,
        resumes: ResumeTokens,
        webhooks: Allowed,
    ) -> None:
        self._queries = queries
        self._commands = commands
        self._watch = watch
        self._pages = pages
        self._resumes = resumes
        self._webhooks = webhooks

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, context: Context
    ) -> pb.ListNotificationsResponse:
        """The caller's notifications, newest first."""
        cursor = self._pages.open(request)
        before = None if cursor is None else str(cursor[0])
        size = page_size(request)
        found = await self._queries.notifications(current_caller().name, before, size + 1)
        answer = pb.ListNotificationsResponse(notifications=map(notification_message, found[:size]))
        if len(found) > size:
            answer.next_page_token = self._pages.seal(request, (found[size - 1].id,))
        return answer

    async def WatchNotifications(
        self, request: pb.WatchNotificationsRequest, context: Context
    ) -> AsyncIterator[pb.WatchNotificationsResponse]:
        """What the caller has not seen, then each change; heartbeats between."""
        caller = current_caller().name
        token = self._resumes.open(caller, WATCHED, request.resume_token)
        seen = None if token is None else Position.of(token)
        async with aclosing(self._watch.follow(caller, seen)) as changes:
            async for notification, position in changes:
                answer = pb.WatchNotificationsResponse(
                    resume_token=self._resumes.seal(caller, WATCHED, str(position))
                )
                if notification is None:
                    answer.heartbeat.CopyFrom(Empty())
                else:
                    answer.notification.CopyFrom(notification_message(notification))
                yield answer

    async def MarkNotificationRead(
        self, request: pb.MarkNotificationReadRequest, context: Context
    ) -> pb.Notification:
        """The notification, read since now or before."""
        notification_id = request.name.removeprefix("notifications/")
        marked = await self._commands.mark_read(
            current_caller().name, notification_id, _repeats(request)
        )
        return notification_message(marked)

    async def GetPreferences(
        self, request: pb.GetPreferencesRequest, context: Context
    ) -> pb.Preferences:
        """The caller's preferences; the defaults until it says otherwise."""
        return preferences_message(await self._queries.preferences(current_caller().subject))

    async def UpdatePreferences(
        self, request: pb.UpdatePreferencesRequest, context: Context
    ) -> pb.Preferences:
        """Change the caller's preferences."""
        change = preference_change(request, self._webhooks)
        preference = await self._commands.update_preferences(
            current_caller().subject, change, _repeats(request)
        )
        return preferences_message(preference)


def _repeats(request: Message) -> Repeats:
    call = current_call()
    request_id: str = getattr(request, "request_id", "")
    return Repeats(call.caller.subject, call.method.path, request_id, body_hash(request))
