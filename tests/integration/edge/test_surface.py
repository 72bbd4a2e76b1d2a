"""What the OpenAPI document says of a request is what the edge takes and a service gets."""

import base64
from typing import Any, TypeAlias

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import causeway.bridge.v1.event_service_pb2
import causeway.bridge.v1.operations_service_pb2
import causeway.notifications.v1.notification_service_pb2
import causeway.orders.v1.order_service_pb2
import causeway.users.v1.user_service_pb2  # noqa: F401
from gateway.descriptors import load
from gateway.jsonschema.samples import Samples
from gateway.openapi.document import openapi
from gateway.reading import read_model
from tests.integration.edge.bench import Running
from tests.integration.edge.issuer import Issuer

Json: TypeAlias = dict[str, Any]
DOCUMENT = openapi(read_model(load()))
OPERATIONS = {
    one["operationId"]: (verb.upper(), path, one)
    for path, item in DOCUMENT["paths"].items()
    for verb, one in item.items()
}
SAMPLES = Samples(DOCUMENT["components"]["schemas"], reading=False)
CANCEL = "orders.v1.OrderService.CancelOrder"


def filled(path: str, operation: Json) -> tuple[str, Json]:
    """The path with a value in each of its segments, and the fields that these make."""
    fields: Json = {}
    for one in operation["parameters"]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", one["example"])
            place(fields, one["x-field"], one["x-template"].replace("*", one["example"]))
    return path, fields


def place(fields: Json, name: str, value: Any) -> None:
    """Set a field by its dotted name."""
    *above, last = name.split(".")
    for part in above:
        fields = fields.setdefault(part, {})
    fields[last] = value


def queries(operation: Json) -> Json:
    """A value for each parameter of the query, and of each oneof for one."""
    found, oneofs = {}, set()
    for one in operation["parameters"]:
        if one["in"] == "query" and one.get("x-oneof", one["name"]) not in oneofs:
            oneofs.add(one.get("x-oneof", one["name"]))
            found[one["name"]] = SAMPLES.of(one["schema"], one["name"].rpartition(".")[2])
    return found


def as_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def request_of(operation: Json, values: Json) -> Message:
    """The protobuf message that these fields make."""
    service, _, method = operation["x-grpc-method"].strip("/").partition("/")
    kind = Default().FindServiceByName(service).FindMethodByName(method).input_type
    return json_format.ParseDict(values, GetMessageClass(kind)())


def merged(one: Json, other: Json) -> Json:
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], dict):
            both[key] = merged(one[key], other[key])
    return both


def token_for(operation: Json, issuer: Issuer) -> str:
    return "" if operation["security"] == [] else issuer.token(*operation["x-roles"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_as_documented_reaches_its_service_whole(
    edge: Running, issuer: Issuer, name: str
) -> None:
    verb, template, operation = OPERATIONS[name]
    path, expected = filled(template, operation)
    query = queries(operation)
    for key, value in query.items():
        place(expected, key, value)
    body = None
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]["example"]
        inside: Json = {}
        place(inside, operation["x-body"], body) if operation["x-body"] != "*" else None
        expected = merged(inside or body, expected)
    params = {key: as_text(value) for key, value in query.items()}
    token = token_for(operation, issuer)
    answer = edge.rest(verb, path, token, params=params, json=body)
    assert answer.status_code == 200, answer.text
    arrived = base64.b64decode(answer.headers["x-request"])
    wanted = request_of(operation, expected)
    assert type(wanted).FromString(arrived) == wanted


def test_an_unknown_field_of_a_body_is_dropped_and_one_of_a_query_refused(
    edge: Running, operator: str
) -> None:
    body = {"etag": "a", "nothing": 1}
    answer = edge.rest("POST", "/v1/orders/7:cancel", operator, json=body)
    assert answer.status_code == 200
    wanted = request_of(OPERATIONS[CANCEL][2], {"name": "orders/7", "etag": "a"})
    assert base64.b64decode(answer.headers["x-request"]) == wanted.SerializeToString()
    assert edge.rest("GET", "/v1/orders?nothing=1", operator).status_code == 400


@pytest.mark.parametrize(
    ("verb", "path", "own", "other"),
    [
        ("POST", "/v1/orders/7:cancel", "orders/7", "orders/8"),
        ("PATCH", "/v1/products/book", "products/book", "products/lamp"),
    ],
)
def test_a_body_may_repeat_the_path_and_not_contradict_it(
    edge: Running, operator: str, verb: str, path: str, own: str, other: str
) -> None:
    assert edge.rest(verb, path, operator, json={"name": own}).status_code == 200
    answer = edge.rest(verb, path, operator, json={"name": other})
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


@pytest.mark.parametrize("status", ["401", "404"])
def test_a_refusal_of_the_edge_is_the_documented_example(
    edge: Running, operator: str, status: str
) -> None:
    example = DOCUMENT["components"]["responses"][status]["content"]["application/json"]["example"]
    answer = edge.rest("GET", "/v1/nothing", operator if status == "404" else "")
    assert str(answer.status_code) == status
    assert answer.json().keys() == example.keys()
    assert answer.json()["code"] == example["code"]
    for header in DOCUMENT["components"]["responses"][status].get("headers", {}):
        assert header in answer.headers
