"""The headers of a record: CloudEvents in binary mode for Kafka, and the trace."""

from gateway.jsonschema.known import Json
from gateway.model import Event

_TRACE = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


def headers(event: Event) -> Json:
    """What each record of the event carries, as a schema of texts."""
    area = event.file.split("/")[1]
    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time",
                     "content-type"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": _text("UUIDv7; unique in its source.", format="uuid"),
            "ce_source": _text("Who wrote it.", examples=[f"/causeway/{area}"]),
            "ce_type": {"const": event.name},
            "ce_subject": _text("What it is about.", examples=[f"{event.stream}/0198c0de"]),
            "ce_time": _text("When it was stored.", format="date-time"),
            "ce_dataschema": _text("Subject and version in the schema registry."),
            "ce_sequence": _text("Version of the stream after it: 1, 2, …", pattern="^[0-9]+$"),
            "ce_correlationid": _text("The request that began it all."),
            "ce_causationid": _text("Id of the event that caused it, if one did."),
            "content-type": {"const": "application/protobuf"},
            "traceparent": _text("W3C Trace Context.", pattern=_TRACE),
            "tracestate": _text("W3C Trace Context."),
        },
    }  # fmt: skip


def _text(description: str, **more: object) -> Json:
    return {"type": "string", "description": description, **more}
