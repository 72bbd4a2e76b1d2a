"""/openapi.json and /asyncapi.json: for everybody, to read, and what they say is what is taken."""

import json
import time
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC

from gateway import surface
from gateway.asyncapi.document import asyncapi
from gateway.envoy import names
from gateway.envoy.edge import Edge
from gateway.envoy.files import validate
from gateway.errors import RefusedConfiguration
from gateway.model import Model
from gateway.openapi.document import openapi
from tests.integration.edge.bench import ORIGIN, Running
from tests.integration.edge.conftest import Start


@pytest.mark.parametrize("path", surface.DOCUMENTS)
def test_a_document_is_read_without_a_token(edge: Running, model: Model, path: str) -> None:
    answer = edge.rest("GET", path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    written = {surface.OPENAPI: openapi, surface.ASYNCAPI: asyncapi}[path](model)
    assert answer.json() == json.loads(json.dumps(written))


@pytest.mark.parametrize("path", surface.DOCUMENTS)
def test_a_bad_token_does_not_hide_a_document(edge: Running, path: str) -> None:
    assert edge.rest("GET", path, "no.token.atall").status_code == 200


@pytest.mark.parametrize("path", surface.DOCUMENTS)
def test_who_has_a_document_already_is_told_so_and_no_more(edge: Running, path: str) -> None:
    tag = edge.rest("GET", path).headers["etag"]
    again = edge.rest("GET", path, headers={"if-none-match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert edge.rest("GET", path, headers={"if-none-match": '"other"'}).status_code == 200
    head = edge.rest("HEAD", path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)


@pytest.mark.parametrize("path", surface.DOCUMENTS)
@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_verbs_have_no_document(edge: Running, operator: str, path: str, verb: str) -> None:
    assert edge.rest(verb, path).status_code in (400, 401)
    assert edge.rest(verb, path, operator).status_code in (400, 403, 404)


@pytest.mark.parametrize(
    "path",
    ["/openapi.json/", "/openapi.json/x", "/openapi.jsonx", "/openapi.json;x", "/Openapi.json",
     "/v1/openapi.json", "/openapi.json%2f..%2fv1/orders/7"],
)  # fmt: skip
def test_what_is_near_a_document_is_none(edge: Running, path: str) -> None:
    assert edge.rest("GET", path).status_code in (400, 401)


def test_a_query_on_a_document_opens_nothing(edge: Running) -> None:
    answer = edge.rest("GET", "/openapi.json?path=/v1/orders/7")
    assert (answer.status_code, answer.json()["code"]) == (403, 7)
    assert "no query" in answer.json()["message"]


@pytest.mark.parametrize("path", surface.DOCUMENTS)
@pytest.mark.parametrize(
    "kind",
    ["application/grpc", "application/grpc+proto", "Application/gRPC", "application/grpc-web"],
)
def test_a_grpc_call_gets_no_document_as_its_message(edge: Running, path: str, kind: str) -> None:
    answer = edge.rest("GET", path, headers={"content-type": kind})
    assert answer.headers.get("grpc-status") != "0"
    assert "etag" not in answer.headers
    assert sum(map(len, answer.headers.values())) + len(answer.content) < 2000


def test_any_page_reads_a_document_and_an_allowed_one_asks_before(edge: Running) -> None:
    for origin in (ORIGIN, "https://editor.example"):
        answer = edge.rest("GET", "/openapi.json", headers={"origin": origin})
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert "access-control-allow-credentials" not in answer.headers
    asked = {"origin": ORIGIN, "access-control-request-method": "GET"}
    preflight = edge.rest("OPTIONS", "/openapi.json", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN


def test_a_document_is_limited_by_address(start: Start, operator: str) -> None:
    edge = start()
    with httpx.Client(base_url=edge.url) as client:
        codes = {client.get("/asyncapi.json").status_code for _ in range(60)}
        assert codes == {200, 429}
        assert client.get("/openapi.json").status_code == 200  # has a bucket of its own
        time.sleep(1.5)
        refilled = [client.get("/asyncapi.json").status_code for _ in range(20)]
        assert refilled.count(200) < 10
    assert edge.rest("GET", "/v1/orders/7", operator).status_code == 200


def without_switch(edge: Edge) -> Edge:
    routes = RouteConfiguration()
    routes.CopyFrom(edge.routes)
    for route in routes.virtual_hosts[0].routes:
        if route.match.path in surface.DOCUMENTS:
            del route.typed_per_filter_config[names.TRANSCODER]
    return replace(edge, routes=routes)


def without_exception(edge: Edge) -> Edge:
    jwt = JwtAuthentication()
    jwt.CopyFrom(edge.filters[names.AUTHENTICATION])
    kept = [rule for rule in jwt.rules if rule.match.path not in surface.DOCUMENTS]
    del jwt.rules[:]
    jwt.rules.extend(kept)
    return replace(edge, filters={**edge.filters, names.AUTHENTICATION: jwt})


def without_policy(edge: Edge) -> Edge:
    rbac = RBAC()
    rbac.CopyFrom(edge.filters[names.AUTHORIZATION])
    del rbac.rules.policies[surface.OPENAPI]
    return replace(edge, filters={**edge.filters, names.AUTHORIZATION: rbac})


@pytest.mark.parametrize(
    ("change", "status"), [(without_switch, 404), (without_exception, 401), (without_policy, 403)]
)
def test_a_document_is_not_there_without_each_of_its_three_settings(
    start: Start, change: Callable[[Edge], Edge], status: int
) -> None:
    assert start(change).rest("GET", "/openapi.json").status_code == status


def test_without_a_limit_of_their_own_envoy_takes_no_documents(edge: Running) -> None:
    routes = RouteConfiguration()
    routes.CopyFrom(edge.edge.routes)
    routes.ClearField("max_direct_response_body_size_bytes")
    with pytest.raises(RefusedConfiguration, match="4096"):
        validate(replace(edge.edge, routes=routes))
