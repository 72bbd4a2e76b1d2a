"""The gRPC face of Notifications: requests in, resources out; everybody sees its own alone."""

from typing import Any

import grpc

from bridge.server.identity import current_caller
from bridge.server.paging import PageTokens, page_size
from causeway.notifications.v1 import notification_service_pb2 as pb
from causeway.notifications.v1.notification_service_pb2_grpc import NotificationServiceServicer
from services.notifications.queries import Queries
from services.notifications.resources import notification_message

Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(NotificationServiceServicer):
    """causeway.notifications.v1.NotificationService."""

    def __init__(self, queries: Queries, pages: PageTokens) -> None:
        self._queries = queries
        self._pages = pages

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
