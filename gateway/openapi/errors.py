"""The one error of the surface, and every status that it comes with."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.jsonschema.known import Json
from gateway.model import Idempotency, Method

STATUS = "google.rpc.Status"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status: its gRPC code, when it comes, the message of the example.

    `reason` of the example's ErrorInfo: set where a service answers, not the edge.
    """

    status: int
    code: int
    when: str
    message: str
    reason: str = ""


ANSWERS = (
    Answer(400, 3, "The request is malformed, breaks a rule of a field, or does not fit the state.",
           "order.items: must have at least 1 item", "INVALID_ARGUMENT"),
    Answer(401, 16, "No token, or one that is not valid any more.",
           "a valid token is required: 'authorization: Bearer <access token>'"),
    Answer(403, 7, "The token is valid, and its roles, its audience or its client do not suffice.",
           "this method asks for an access token of this platform with the role operator"),
    Answer(404, 5, "Nothing is there, or somebody else's, which is not told apart.",
           "no such order", "RESOURCE_NOT_FOUND"),
    Answer(408, 4, "The request did not arrive in time.", "the request did not arrive in time"),
    Answer(409, 10, "Somebody else was first: read again, decide again. Or it exists already (6).",
           "the order has changed", "STALE_ETAG"),
    Answer(413, 8, "The request is larger than the method takes.", "the request is too large"),
    Answer(415, 3, "The content type is not JSON.", "the content type is not supported"),
    Answer(426, 9, "HTTP/1.0 is not spoken here.", "this protocol version is not supported"),
    Answer(429, 8, "The rate limit is used up.", "too many requests; try again later"),
    Answer(431, 8, "The headers are too large or too many.",
           "the request headers are too large or too many"),
    Answer(500, 13, "A fault of the service; `RequestInfo` has what to quote.",
           "internal error; request 0198c0de", "INTERNAL"),
    Answer(501, 12, "The transfer encoding is none that the edge knows.",
           "this transfer encoding is not supported"),
    Answer(502, 14, "A replica's answer was none.", "the service is not available"),
    Answer(503, 14, "No replica answers, or a part that it needs is away. Try again.",
           "the service is not available; try again later"),
    Answer(504, 4, "The service did not answer within the method's time.",
           "the service did not answer in time"),
)  # fmt: skip
_TOKEN = (401, 403)
_CONFLICT = 409
_HEADERS = {401: ("www-authenticate",), 429: ("x-ratelimit-limit", "x-ratelimit-remaining",
                                              "x-ratelimit-reset")}  # fmt: skip


def references(method: Method) -> Json:
    """The `responses` of one method that tell of failure, all but the success."""
    return {str(one.status): {"$ref": f"#/components/responses/{one.status}"}
            for one in _of(method)} | {
        "default": {"$ref": "#/components/responses/default"}
    }  # fmt: skip


def _of(method: Method) -> Iterator[Answer]:
    for answer in ANSWERS:
        if answer.status in _TOKEN and method.access.public:
            continue
        if answer.status == _CONFLICT and method.idempotency is Idempotency.NO_SIDE_EFFECTS:
            continue
        yield answer


def responses() -> Json:
    """`components.responses`: by status, and `default` for what nobody foresaw."""
    found = {str(answer.status): _response(answer) for answer in ANSWERS}
    unforeseen = {"description": "Anything else, in the same shape.", "content": _content()}
    return found | {"default": unforeseen}


def headers() -> Json:
    """`components.headers`."""
    number = {"schema": {"type": "integer"}}
    return {
        "www-authenticate": {"schema": {"type": "string"}, "description": "The scheme: Bearer."},
        "x-ratelimit-limit": {"schema": {"type": "string"}, "description": "Calls in an interval."},
        "x-ratelimit-remaining": number | {"description": "Calls that are left in it."},
        "x-ratelimit-reset": number | {"description": "Seconds until it begins anew."},
    }


def schemas() -> Json:
    """The error's own schema, and that of a detail."""
    detail = {
        "type": "object",
        "description": "An error detail of google.rpc; `ErrorInfo` with a `reason` comes always "
        "from a service, and never from the edge.",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
        "additionalProperties": True,
    }
    return {
        STATUS: {
            "type": "object",
            "description": "The one shape of every failure.",
            "properties": {
                "code": {"type": "integer", "description": "gRPC's code.", "minimum": 0},
                "message": {"type": "string", "description": "For people; never parse it."},
                "details": {"type": "array", "items": detail},
            },
            "required": ["code", "message"],
        }
    }


def _response(answer: Answer) -> Json:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": answer.reason,
        "domain": "causeway",
    }
    example = {
        "code": answer.code,
        "message": answer.message,
        "details": [info] if answer.reason else [],
    }
    found: Json = {"description": answer.when, "content": _content(example)}
    if names := _HEADERS.get(answer.status):
        found["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return found


def _content(example: Json | None = None) -> Json:
    content: Json = {"schema": {"$ref": f"#/components/schemas/{STATUS}"}}
    if example:
        content["example"] = example
    return {"application/json": content}
