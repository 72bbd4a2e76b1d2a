"""The fuzzing's own parts: messages are what they claim, the oracle sees what is wrong."""

import json
from pathlib import Path

import grpc
import protovalidate
import pytest
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given

from tests.fuzz import damage, oracle, rest, vitality
from tests.fuzz.families import hints
from tests.fuzz.messages import wild
from tests.fuzz.plan import examples
from tests.fuzz.stage import Stage
from tests.fuzz.surface import Method, surface
from tests.fuzz.valid import valid
from tests.fuzz.vitality import Signs

METHODS = {str(method): method for method in surface()}
GET = METHODS["orders.v1.OrderService.GetOrder"]
WATCH = METHODS["orders.v1.OrderService.WatchOrder"]
OPERATOR = frozenset({"operator"})
STAGE = Stage(
    targets={},
    callers=(),
    names={
        "causeway/Order": ("orders/7",),
        "causeway/User": ("users/7",),
        "causeway/Product": ("products/zz-fuzz-0",),
        "causeway/Event": ("events/7",),
        "causeway/Replay": ("replays/7",),
    },
    groups=("causeway.orders.credit",),
    tokens=(),
)


@pytest.mark.parametrize("method", METHODS.values(), ids=str)
def test_most_valid_messages_keep_their_rules(method: Method) -> None:
    kept: list[bool] = []

    @examples(20)
    @given(valid(method.request, hints(STAGE)))
    def look(message: object) -> None:
        kept.append(not protovalidate.collect_violations(message))  # type: ignore[arg-type]

    look()
    assert sum(kept) > 0.7 * len(kept)


def test_wild_messages_break_rules_and_still_decode() -> None:
    kind = METHODS["orders.v1.OrderService.CreateOrder"].request
    broken: list[bool] = []

    @examples(50)
    @given(wild(kind))
    def look(message: object) -> None:
        raw = message.SerializeToString()  # type: ignore[attr-defined]
        broken.append(bool(protovalidate.collect_violations(GetMessageClass(kind).FromString(raw))))

    look()
    assert any(broken)


@pytest.mark.parametrize("accident", damage.ACCIDENTS, ids=lambda one: one.__name__)
def test_an_accident_changes_the_bytes(accident: damage.Accident) -> None:
    raw = b"\x0a\x08orders/7"
    seen: set[bytes] = set()

    @examples(20)
    @given(accident(raw, GET.request))
    def look(bent: bytes) -> None:
        seen.add(bent)

    look()
    assert seen - {raw}


def test_a_deep_message_is_too_deep_for_protobuf() -> None:
    kind = METHODS["bridge.v1.EventService.PublishEvent"].request
    with pytest.raises(DecodeError):
        GetMessageClass(kind).FromString(damage.deep(1, damage.DEEP))


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    ],
)
def test_a_status_without_a_meaning_is_told(code: grpc.StatusCode) -> None:
    assert code.name in oracle.verdict(GET, OPERATOR, code, "")


def test_what_a_status_may_be_depends_on_the_method() -> None:
    assert not oracle.verdict(WATCH, OPERATOR, grpc.StatusCode.CANCELLED, "")


def test_an_answer_for_who_must_be_refused_is_told() -> None:
    ship = METHODS["orders.v1.OrderService.ShipOrder"]
    assert oracle.verdict(ship, frozenset({"customer"}), grpc.StatusCode.OK, "")
    assert oracle.verdict(GET, None, grpc.StatusCode.NOT_FOUND, "")
    assert not oracle.verdict(GET, None, grpc.StatusCode.UNAUTHENTICATED, "")


@pytest.mark.parametrize(
    "said",
    [
        "Traceback (most recent call last)",
        "asyncpg.exceptions.UniqueViolationError",
        "Exception calling application: 'NoneType' object is not subscriptable",
        'duplicate key value violates unique constraint "users_pkey"',
        "SELECT * FROM orders WHERE id = 7",
        'relation "bridge.events" does not exist',
        "/home/causeway/bridge/server/call.py",
        "upstream connect error or disconnect/reset before headers",
        "<class 'KeyError'>",
    ],
)
def test_words_from_the_inside_are_told(said: str) -> None:
    assert oracle.leak(said)
    assert oracle.verdict(GET, OPERATOR, grpc.StatusCode.NOT_FOUND, said)


@pytest.mark.parametrize(
    "said",
    [
        "order.items[0].sku: value does not match regex pattern `^[a-z0-9-]{1,64}$`",
        "unknown product: no-such-sku",
        "the request does not decode as the method's message",
        "INVALID_REQUEST causeway",
        "a valid token is required: 'authorization: Bearer <access token>'",
    ],
)
def test_words_for_callers_are_none(said: str) -> None:
    assert not oracle.leak(said)


def test_what_the_caller_wrote_may_come_back() -> None:
    assert not oracle.leak("there is no products/KeyError", asked="{'sku': 'KeyError'}")


@pytest.mark.parametrize(
    "body",
    ["", "upstream error", "[]", '{"code": 3}', '{"code": 3, "message": "", "details": []}'],
)
def test_a_refusal_that_is_no_status_is_told(body: str) -> None:
    assert rest.refusal_is_wrong(body, "")


def test_a_refusal_that_is_a_status_is_fine() -> None:
    assert not rest.refusal_is_wrong('{"code": 3, "message": "no", "details": []}', "")


def test_a_process_that_is_another_or_gone_is_told() -> None:
    before = Signs({"edge": (7, 0), "orders": (8, 0), "users": (9, 0)}, {}, frozenset())
    now = Signs({"edge": (7, 1), "users": (9, 0)}, {}, frozenset())
    assert [line.split()[0] for line in vitality.ended(before, now)] == ["edge", "orders"]


def test_an_error_in_a_log_is_told_and_what_was_there_before_is_not(tmp_path: Path) -> None:
    log = tmp_path / "orders-api-1.log"
    error = json.dumps({"level": "error", "event": "call.failed"})
    log.write_text(f"{error}\n")
    before = Signs({}, {str(log): log.stat().st_size}, frozenset())
    assert not [*vitality.cries(before)]
    with log.open("a") as file:
        file.write(f"{json.dumps({'level': 'info', 'event': 'call.failed'})}\n{error}\n")
        file.write("Traceback (most recent call last):\n")
    assert len([*vitality.cries(before)]) == 2
