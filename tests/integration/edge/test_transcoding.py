"""REST is the same call as gRPC, in JSON."""

from tests.integration.edge.bench import Running


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
