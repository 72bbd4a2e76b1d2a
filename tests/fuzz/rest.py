"""Requests as the OpenAPI document allows and forbids them, and what their answers must be."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from schemathesis import GenerationMode
from schemathesis.core.transport import Response

from tests.fuzz import values
from tests.fuzz.families import NO_GROUP
from tests.fuzz.oracle import leak
from tests.fuzz.stage import SKUS, Stage
from tests.fuzz.surface import Method

PATIENCE = 20.0
GLANCE = 1.0
"""Seconds that a stream is listened to."""
STATUS_FIELDS = {"code", "message", "details"}
Operation = schemathesis.APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]
Body = dict[str, Any]


@st.composite
def cases(draw: DrawFn, operation: Operation, stage: Stage) -> Case:
    """A request that keeps the document's rules, or breaks one of them, at what exists."""
    modes = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    case: Case = draw(operation.as_strategy(draw(st.sampled_from(modes))))
    for name, known in path_parameters(stage).items():
        if isinstance((case.path_parameters or {}).get(name), str):
            case.path_parameters[name] = draw(st.sampled_from(known))
    if draw(st.booleans()):
        name, value = draw(st.sampled_from(values.ODD_HEADERS))
        case.headers[name] = value
    aim = AIMS.get(operation.definition.raw["operationId"].rpartition(".")[2])
    if aim is not None:
        aim(draw, case, stage)
    return case


def path_parameters(stage: Stage) -> Mapping[str, tuple[str, ...]]:
    """Ids of what exists, by the parameter; a user is the fuzzing's own, a product too."""
    ids = {kind: tuple(n.partition("/")[2] for n in names) for kind, names in stage.names.items()}
    return {kind.rpartition("/")[2].lower(): known for kind, known in ids.items() if known}


def register(draw: DrawFn, case: Case, _stage: Stage) -> None:
    """Behind all other users, in every list."""
    body = _object(case)
    if isinstance(body.get("username"), str):
        body["username"] = f"zz-fuzz-{body['username']}"[:64]


def place(draw: DrawFn, case: Case, _stage: Stage) -> None:
    """Products that have a price."""
    for item in _objects(_object(case).get("items")):
        if isinstance(item.get("sku"), str):
            item["sku"] = draw(st.sampled_from(SKUS[:4]))


def replay(draw: DrawFn, case: Case, stage: Stage) -> None:
    """A group that exists is only counted."""
    body = _object(case)
    if "group" in body and draw(st.booleans()):
        body["group"] = draw(st.sampled_from(stage.groups))
        case.query["dryRun"] = True
    elif "group" in body:
        body["group"] = NO_GROUP


def nobodys(draw: DrawFn, case: Case, _stage: Stage) -> None:
    """Dead letters of nobody: those of another test may wait while this one runs."""
    wanted = _object(case).get("filter")
    if isinstance(wanted, dict):
        wanted["key"] = "zz-fuzz"


AIMS: Mapping[str, Callable[[DrawFn, Case, Stage], None]] = {
    "RegisterUser": register,
    "CreateOrder": place,
    "ReplayEvents": replay,
    "RedriveDeadLetters": nobodys,
    "DiscardDeadLetters": nobodys,
}


def ask(
    session: requests.Session, case: Case, method: Method, token: str | None, accept: str
) -> Response:
    """Send it; of a stream only what comes within a second is read."""
    time.sleep(method.pause)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if not method.server_streams:
        return case.call(session=session, headers=headers, timeout=PATIENCE)
    wanted = case.as_transport_kwargs(headers={**headers, "accept": accept})
    with session.request(**wanted, stream=True, timeout=(PATIENCE, GLANCE)) as answer:
        answer._content = first(answer)
        return Response.from_requests(answer, verify=False)


def first(answer: requests.Response) -> bytes:
    """The whole body of an error, the first message of a stream, or nothing yet."""
    if not answer.ok:
        return answer.content
    try:
        return bytes(next(answer.iter_content(65_536), b""))
    except requests.exceptions.ConnectionError:
        return b""


def verdict(
    method: Method, roles: frozenset[str] | None, response: Response, asked: str, document: Body
) -> str:
    """Why an answer over REST is wrong, beyond what schemathesis checks; "" where it is right."""
    status = response.status_code
    if not method.admits(roles) and status < 400:
        return f"{status} for who must be refused"
    if status >= 500:
        return f"{status}: {response.text}"
    if str(status) not in document["responses"]:
        return f"{status} is not in the document: {response.text}"
    if status < 400:
        return ""
    return refusal_is_wrong(response.text, asked)


def refusal_is_wrong(body: str, asked: str) -> str:
    """Why a refusal is not the one JSON status; "" where it is."""
    try:
        told = json.loads(body)
    except ValueError:
        return f"no JSON: {body!r}"
    if not isinstance(told, dict) or set(told) != STATUS_FIELDS or not told["message"]:
        return f"no google.rpc.Status: {body}"
    found = leak(body, asked)
    return f"tells {found!r}: {body}" if found else ""


def _object(case: Case) -> Body:
    return case.body if isinstance(case.body, dict) else {}


def _objects(items: object) -> list[Body]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
