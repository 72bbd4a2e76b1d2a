"""Requests of every kind to every path of the OpenAPI document, by every role, at the edge."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given, note
from schemathesis.specs.openapi import checks

from tests.fuzz import rest
from tests.fuzz.plan import LONG, SHORT, examples
from tests.fuzz.rest import Case, Operation
from tests.fuzz.stage import Caller, Stage
from tests.fuzz.surface import Method, surface
from tests.platform import ROOT

pytestmark = pytest.mark.usefixtures("unharmed")
DOCUMENT = ROOT / "docs" / "openapi.json"
METHODS = {method.path: method for method in surface()}
CHECKS = [
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]
ACCEPT = ("application/json", "text/event-stream", "application/x-ndjson")


def places() -> list[tuple[str, str]]:
    """Path and verb of every operation."""
    paths: dict[str, dict[str, Any]] = json.loads(DOCUMENT.read_text())["paths"]
    found = [(path, verb) for path, verbs in paths.items() for verb in verbs]
    return [(path, verb) for path, verb in found if "x-grpc-method" in paths[path][verb]]


every_operation = pytest.mark.parametrize(("path", "verb"), places())


@pytest.fixture(scope="module")
def api(fuzzing: Stage) -> Any:
    schema = schemathesis.openapi.from_path(DOCUMENT)
    schema.config.update(base_url=fuzzing.edge)
    # A command that repeats a failure is whole; the tokens of callers are not in it.
    schema.config.output.sanitization.update(enabled=False)
    return schema


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@every_operation
def test_no_request_gets_an_answer_that_is_not_in_the_document(
    path: str, verb: str, api: Any, fuzzing: Stage, session: requests.Session
) -> None:
    fuzz(api[path][verb], fuzzing, session, SHORT)


@pytest.mark.long
@pytest.mark.timeout(1200)
@every_operation
def test_no_request_of_thousands_gets_an_answer_that_is_not_in_the_document(
    path: str, verb: str, api: Any, fuzzing: Stage, session: requests.Session
) -> None:
    fuzz(api[path][verb], fuzzing, session, LONG)


def fuzz(operation: Operation, stage: Stage, session: requests.Session, count: int) -> None:
    document = operation.definition.raw
    method = METHODS[document["x-grpc-method"]]

    @examples(count)
    @given(rest.cases(operation, stage))
    def send(case: Case) -> None:
        asked = f"{case.path_parameters}{case.query}{case.body!r}"
        chosen = zlib.crc32(asked.encode(errors="replace"))
        for caller in callers_of(method, stage, chosen):
            note(f"as {caller.label}: {case.as_curl_command()}")
            accept = ACCEPT[chosen % len(ACCEPT)]
            response = rest.ask(session, case, method, caller.token(), accept)
            wrong = rest.verdict(method, caller.roles, response, asked, document)
            assert not wrong, f"{caller.label}: {wrong}"
            if not method.server_streams or response.status_code >= 400:
                case.validate_response(response, checks=CHECKS)

    send()


def callers_of(method: Method, stage: Stage, chosen: int) -> list[Caller]:
    """One whom the access rule lets in and one whom it does not."""
    groups: dict[bool, list[Caller]] = {True: [], False: []}
    for caller in stage.callers:
        groups[method.admits(caller.roles)].append(caller)
    return [group[chosen % len(group)] for group in groups.values() if group]
