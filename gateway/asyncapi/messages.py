"""One event as a message: headers, key and payload, in protobuf and as a JSON schema beside it."""

from gateway.asyncapi.headers import headers
from gateway.jsonschema.known import Json
from gateway.jsonschema.messages import COMPONENTS, Schemas
from gateway.jsonschema.samples import Samples
from gateway.model import Event, Model

PROTOBUF = "application/vnd.google.protobuf;version=3"
BINDING = "0.5.0"
_WIRE = (
    "Confluent's wire format: 0x00, the schema's id (4 bytes), the message's indexes in its file, "
    "then protobuf."
)


def message(event: Event, model: Model, schemas: Schemas) -> Json:
    """`components.messages` of one event."""
    ref = schemas.refer(f".{event.name}")
    comment = model.comments.get(event.name, "")
    found: Json = {
        "name": event.name,
        "title": event.name.rpartition(".")[2],
        "contentType": "application/protobuf",
        "description": "\n\n".join(part for part in (comment, _WIRE) if part),
        "headers": headers(event),
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "payload": {"$ref": COMPONENTS + _key(event.file)} if model.texts[event.file] else ref,
        "bindings": {"kafka": _binding(event, schemas)},
        "examples": [{"payload": Samples(schemas.components, reading=True).of(ref)}],
        "x-protobuf-message": event.name,
        "x-json-schema": ref,
        "x-subject": f"{event.topic}-{event.name}",
        "x-stream": event.stream,
        "x-publish-roles": list(event.publish_roles),
        "x-subscribe-roles": list(event.subscribe_roles),
    }
    if comment:
        found["summary"] = comment.split("\n")[0]
    return found


def texts(model: Model) -> Json:
    """The proto files of the events, each once: messages point to them."""
    return {
        _key(file): {"schemaFormat": PROTOBUF, "schema": text}
        for file, text in sorted(model.texts.items())
        if text
    }


def _key(file: str) -> str:
    return file.replace("/", ".")  # a slash would end the pointer's part


def _binding(event: Event, schemas: Schemas) -> Json:
    field = schemas.descriptors.field(f".{event.name}", event.key)
    assert field  # noqa: S101 (the model's rules see to it)
    text = f"The field `{event.key}` as text: the id of the aggregate, by which order is kept."
    pattern = {} if field.type == field.TYPE_STRING else {"pattern": "^-?[0-9]+$"}
    return {
        "key": {"type": "string", "description": text, **pattern},
        "schemaIdLocation": "payload",
        "schemaIdPayloadEncoding": "confluent",
        "schemaLookupStrategy": "TopicRecordNameStrategy",
        "bindingVersion": BINDING,
    }
