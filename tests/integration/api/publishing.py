"""Events from outside, as tests publish them."""

from datetime import datetime

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.inventory.v1 import events_pb2 as inventory
from client.platform import Platform
from tests.integration.api.services import Services

STOCK = "causeway.inventory.v1.StockAdjusted"
SOURCE = "/warehouse/berlin"


def packed(message: Message) -> AnyMessage:
    data = AnyMessage()
    data.Pack(message)
    return data


def adjusted(
    sku: str,
    delta: int,
    *,
    name: str = "",
    source: str = SOURCE,
    time: datetime | None = None,
) -> event_pb2.Event:
    """Pieces of a product arrived or left."""
    event = event_pb2.Event(
        name=name,
        type=STOCK,
        source=source,
        data=packed(inventory.StockAdjusted(sku=sku, delta=delta)),
    )
    if time is not None:
        event.time.FromDatetime(time)
    return event


async def published(
    platform: Platform, event: event_pb2.Event, request_id: str = ""
) -> event_pb2.Event:
    """The event as it is stored; without a `request_id`, the client makes one."""
    request = pb.PublishEventRequest(event=event, request_id=request_id)
    return await platform.events.PublishEvent(request)


async def streams(services: Services) -> dict[str, list[int]]:
    """The versions of each stream of the bridge's own store, in the order of their positions."""
    found: dict[str, list[int]] = {}
    for row in await services["bridge"].fetch("SELECT * FROM bridge.events ORDER BY position"):
        found.setdefault(row["stream"], []).append(row["version"])
    return found
