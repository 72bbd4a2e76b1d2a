"""REST is the same call as gRPC, in JSON."""

from dataclasses import replace

from envoy.extensions.filters.http.grpc_json_transcoder.v3.transcoder_pb2 import GrpcJsonTranscoder

from gateway.envoy import names
from gateway.envoy.edge import Edge
from tests.integration.edge.bench import Running
from tests.integration.edge.conftest import Start


def test_json_is_lower_camel_case_with_empty_fields(edge: Running, operator: str) -> None:
    told = edge.rest("GET", "/v1/users/me", operator).json()
    assert told["name"] == "users/me"
    assert told["displayName"] == ""
    assert told["state"] == "STATE_UNSPECIFIED"


def test_a_body_and_a_path_and_a_query_become_one_message(edge: Running, customer: str) -> None:
    query = {"requestId": "0198c0de-0000-7000-8000-000000000000"}
    body = {"items": [{"sku": "book", "quantity": 1}]}
    answer = edge.rest("POST", "/v1/orders", customer, json=body, params=query)
    assert answer.status_code == 200, answer.text


def test_custom_verbs_are_told_apart(edge: Running, operator: str) -> None:
    answer = edge.rest("POST", "/v1/users/7:deactivate", operator, json={"reason": "x"})
    assert answer.json()["name"] == "users/7"
    unknown = edge.rest("POST", "/v1/users/7:vanish", operator, json={})
    assert unknown.status_code == 404


def test_a_large_answer_arrives_whole(edge: Running, operator: str) -> None:
    answer = edge.rest("GET", "/v1/orders/large", operator)
    assert (answer.status_code, len(answer.json()["etag"])) == (200, 200_000)


def test_a_large_answer_becomes_an_error_without_its_limit(start: Start, operator: str) -> None:
    def unlimited(edge: Edge) -> Edge:
        transcoder = GrpcJsonTranscoder()
        transcoder.CopyFrom(edge.filters[names.TRANSCODER])
        transcoder.ClearField("max_response_body_size")
        return replace(edge, filters={**edge.filters, names.TRANSCODER: transcoder})

    answer = start(unlimited).rest("GET", "/v1/orders/large", operator)
    assert answer.status_code == 500


def test_a_service_error_is_bare_without_its_conversion(start: Start, operator: str) -> None:
    def unconverted(edge: Edge) -> Edge:
        transcoder = GrpcJsonTranscoder()
        transcoder.CopyFrom(edge.filters[names.TRANSCODER])
        transcoder.convert_grpc_status = False
        return replace(edge, filters={**edge.filters, names.TRANSCODER: transcoder})

    answer = start(unconverted).rest("GET", "/v1/orders/missing", operator)
    assert answer.headers.get("content-type") != "application/json"


def test_unknown_query_parameters_pass_without_the_strict_options(
    start: Start, operator: str
) -> None:
    def lax(edge: Edge) -> Edge:
        transcoder = GrpcJsonTranscoder()
        transcoder.CopyFrom(edge.filters[names.TRANSCODER])
        transcoder.ClearField("request_validation_options")
        transcoder.ignore_unknown_query_parameters = True
        return replace(edge, filters={**edge.filters, names.TRANSCODER: transcoder})

    assert start(lax).rest("GET", "/v1/orders/7?x=1", operator).status_code == 200
