"""The OpenAPI document is one, and its examples and references are what it says."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.descriptors import load
from gateway.envoy.replies import REFUSALS
from gateway.openapi.document import openapi
from gateway.openapi.errors import ANSWERS
from gateway.reading import read_model
from tests.gateway.cases import model_of_case
from tests.gateway.protos import HEADER, compiled

Json = dict[str, Any]
MODEL = read_model(load())
DOCUMENT = openapi(MODEL)


def operations(document: Json = DOCUMENT) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            yield verb, path, operation


def errors(schema: Json, value: Any, document: Json = DOCUMENT) -> list[str]:
    """What is wrong with the value; references lead into the document."""
    whole = {**schema, "components": document["components"]}
    found = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{one.json_path}: {one.message}" for one in found.iter_errors(value)]


def test_the_platforms_document_is_openapi_3_1() -> None:
    assert [str(one) for one in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_spelling_of_a_message_makes_a_document_that_is_openapi_3_1() -> None:
    document = openapi(model_of_case("forms"))
    assert [str(one) for one in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_rest_binding_is_an_operation_and_no_other() -> None:
    wanted = sorted(
        (method.path, binding.verb.lower())
        for method in MODEL.methods()
        for binding in method.bindings
    )
    assert sorted((one["x-grpc-method"], verb) for verb, _, one in operations()) == wanted


def test_a_public_method_asks_for_no_token_and_every_other_does() -> None:
    public = {m.path for m in MODEL.methods() if m.access.public}
    for _, _, one in operations():
        assert (one["security"] == []) is (one["x-grpc-method"] in public)
        assert ("401" in one["responses"]) is (one["x-grpc-method"] not in public)


def test_a_stream_takes_the_cookie_of_an_event_source_and_nothing_else_does() -> None:
    for _, _, one in operations():
        cookie = any("eventSource" in way for way in one["security"])
        assert cookie is one["x-streaming"]


def test_every_example_is_what_its_schema_takes() -> None:
    count = 0
    for case in (DOCUMENT, openapi(model_of_case("forms"))):
        for verb, path, one in operations(case):
            bodies = [one.get("requestBody", {}), *one["responses"].values()]
            for media in (m for body in bodies for m in body.get("content", {}).values()):
                if "example" in media:
                    assert errors(media["schema"], media["example"], case) == [], (verb, path)
                    count += 1
    assert count > 40


def test_every_error_has_one_shape_and_an_example_of_it() -> None:
    found = DOCUMENT["components"]["responses"]
    for status, response in found.items():
        (media,) = response["content"].values()
        assert media["schema"] == {"$ref": "#/components/schemas/google.rpc.Status"}
        if status != "default":
            assert errors(media["schema"], media["example"]) == []


def test_the_edges_refusals_are_documented_with_their_codes() -> None:
    documented = {(one.status, one.code) for one in ANSWERS}
    assert {(one.answer or one.status, one.code) for one in REFUSALS} <= documented


@pytest.mark.parametrize("status", [one.status for one in ANSWERS])
def test_a_status_that_the_edge_can_answer_is_on_an_operation(status: int) -> None:
    assert any(str(status) in one["responses"] for _, _, one in operations())


def test_a_message_without_its_comments_has_no_description() -> None:
    body = "message Item { string name = 1; } service Shop { rpc Get(Item) returns (Item) {"
    rule = 'option (google.api.http) = { get: "/v1/items" };'
    access = 'option (causeway.options.v1.access) = { roles: "clerk" };'
    role = 'option (causeway.options.v1.role) = { name: "clerk" };'
    header = HEADER.format(package="causeway.shop.v1")
    model = read_model(
        compiled({"causeway/shop/v1/shop_service.proto": f"{header}{role}{body}{rule}{access}}}}}"})
    )
    operation = openapi(model)["paths"]["/v1/items"]["get"]
    assert (operation["summary"], operation["description"]) == (
        "Get",
        "For one of the roles `clerk`.",
    )


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"items": [{"sku": "book", "quantity": 1}]}, 0),
        ({"items": []}, 1),
        ({"items": [{"sku": "Book", "quantity": 1}]}, 1),
        ({"items": [{"sku": "book", "quantity": 10_001}]}, 1),
        ({"items": [{"sku": "book"}]}, 1),
        ({}, 1),
    ],
)
def test_the_rules_of_fields_are_in_the_schema(value: Json, wrong: int) -> None:
    schema = {"$ref": "#/components/schemas/causeway.orders.v1.Order"}
    assert len(errors(schema, value)) == wrong


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ({}, True),
        ({"heartbeat": {}}, True),
        ({"heartbeat": {}, "end": {"code": 0, "message": ""}}, False),
    ],
)
def test_of_a_oneof_one_member_at_most_fits(value: Json, right: bool) -> None:
    schema = {"$ref": "#/components/schemas/causeway.bridge.v1.SubscribeEventsResponse"}
    assert (errors(schema, value) == []) is right
