"""`causeway.bridge.v1.EventService`."""

from causeway.bridge.v1.event_service_pb2_grpc import EventServiceServicer


class Events(EventServiceServicer):
    """Events in, events out. What is not overridden here answers UNIMPLEMENTED."""
