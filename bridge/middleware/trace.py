"""A span for each handled event, in the trace that the record carries."""

from dataclasses import replace

from bridge import telemetry
from bridge.handling import Handler, Handling, Middleware


def trace(group: str) -> Middleware:
    """Run handlers in a consumer span; what they append carries that span's context on."""

    def wrap(handler: Handler) -> Handler:
        async def traced(handling: Handling) -> None:
            event = handling.event
            if not telemetry.is_on():
                with telemetry.carry(event.origin.traceparent):
                    await handler(handling)
                return
            attributes = {
                "messaging.system": "kafka",
                "messaging.consumer.group.name": group,
                "messaging.destination.name": event.topic or "",
                "causeway.event.id": event.id,
                "causeway.event.type": event.type,
            }
            name = f"process {event.type}"
            with telemetry.consume(name, event.origin.traceparent, attributes):
                origin = handling.origin._replace(traceparent=telemetry.traceparent())
                await handler(replace(handling, origin=origin))

        return traced

    return wrap
