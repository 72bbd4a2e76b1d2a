"""The topic of the audit chains' heads: no event, and JSON, so that anybody can check it."""

from gateway.asyncapi.messages import BINDING
from gateway.jsonschema.known import Json

NAME = "Head"
_NUMBER = {"type": "integer", "minimum": 0}


def message() -> Json:
    """The head of one service's chain."""
    return {
        "name": NAME,
        "title": "Head of an audit chain",
        "summary": "The last seal of a service's store, every 1000 events or 5 s.",
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["content-type"],
            "properties": {"content-type": {"const": "application/json"}},
        },
        "payload": {
            "type": "object",
            "required": ["source", "seq", "position", "hash"],
            "properties": {
                "source": {"type": "string", "examples": ["/causeway/orders"]},
                "seq": _NUMBER | {"description": "Grows; the same one may come again."},
                "position": _NUMBER | {"description": "Of the event that it seals."},
                "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            },
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The service that owns the store."},
                "bindingVersion": BINDING,
            }
        },
    }
