"""The AsyncAPI document is one: checked against the standard's own schema."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from gateway.asyncapi.document import asyncapi
from gateway.descriptors import load
from gateway.reading import read_model
from gateway.topics import topics
from tests.gateway.cases import CASES, model_of_case

Json = dict[str, Any]
SCHEMA = json.loads(Path(__file__).with_name("asyncapi-3.0.0.schema.json").read_text())
MODEL = read_model(load())
DOCUMENT = asyncapi(MODEL)


def errors(document: Json) -> list[str]:
    return [
        f"{one.json_path}: {one.message}" for one in Draft7Validator(SCHEMA).iter_errors(document)
    ]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (v for k, v in value.items() if k == "$ref")
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def resolved(document: Json, pointer: str) -> Any:
    for part in pointer.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_the_platforms_document_is_asyncapi_3_0() -> None:
    assert errors(DOCUMENT) == []


@pytest.mark.parametrize("case", CASES)
def test_every_golden_case_makes_a_document_that_is_asyncapi_3_0(case: str) -> None:
    assert errors(asyncapi(model_of_case(case))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("operations/receive.causeway.orders.v1/action", "publish"),
        ("channels/causeway.orders.v1/bindings/kafka/partitions", 0),
        ("channels/causeway.orders.v1/messages", 7),
        ("components/messages/Head/contentType", 7),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: str, value: object) -> None:
    document = copy.deepcopy(DOCUMENT)
    *above, last = path.split("/")
    resolved(document, "/".join(above))[last] = value
    assert errors(document) != []


def test_every_reference_leads_somewhere() -> None:
    found = {*references(DOCUMENT)}
    assert len(found) > 40
    assert [one for one in found if not resolved(DOCUMENT, one)] == []


def test_a_channel_is_a_topic_as_it_is_made_on_kafka() -> None:
    sends = [one for one in DOCUMENT["operations"].values() if one["action"] == "send"]
    for topic in topics(MODEL):
        channel = DOCUMENT["channels"][topic.name]
        binding = channel["bindings"]["kafka"]
        assert channel["address"] == topic.name
        assert (binding["partitions"], binding["replicas"]) == (3, 3)
        assert binding["x-configuration"] == topic.config
        sent = [one for one in sends if one["channel"]["$ref"].endswith(f"/{topic.name}")]
        assert [one["x-service"] for one in sent] == [*topic.writers]


def test_every_event_is_a_message_with_its_proto_and_a_json_schema_beside_it() -> None:
    for event in MODEL.events:
        found = DOCUMENT["components"]["messages"][event.name]
        payload = resolved(DOCUMENT, found["payload"]["$ref"])
        assert payload["schemaFormat"] == "application/vnd.google.protobuf;version=3"
        assert f"message {event.name.rpartition('.')[2]} {{" in payload["schema"]
        schema = {**found["x-json-schema"], "components": DOCUMENT["components"]}
        (example,) = found["examples"]
        assert [*Draft202012Validator(schema).iter_errors(example["payload"])] == []
        assert found["headers"]["properties"]["ce_type"] == {"const": event.name}


def test_roles_say_who_publishes_and_subscribes() -> None:
    operations = DOCUMENT["operations"]
    assert operations["bridge.send.causeway.inventory.v1"]["x-publish-roles"] == ["publisher"]
    receive = operations["receive.causeway.inventory.v1"]
    assert receive["x-subscribe-roles"] == ["auditor", "operator"]
    assert receive["x-subscribe-roles-including"] == ["admin"]
