"""A REST stream tells its end in band: over HTTP/1.1 the status behind it is lost."""

import json
import time

import grpc
import pytest

from causeway.orders.v1.order_service_pb2 import WatchOrderRequest, WatchOrderResponse
from gateway.model import Model
from tests.integration.edge.bench import Running, code_of
from tests.integration.edge.conftest import Start
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.streams.conftest import kit_replica
from tests.integration.edge.streams.reading import NDJSON, SSE, last_record, opened, records

WATCH = "/causeway.orders.v1.OrderService/WatchOrder"
STYLES = pytest.mark.parametrize("accept", [NDJSON, SSE])


@STYLES
def test_a_late_error_is_the_last_record(streams: Running, operator: str, accept: str) -> None:
    with opened(streams, "late", accept, operator) as answer:
        first, second, last = records(answer)
    assert (first["order"]["etag"], second["order"]["etag"]) == ("1", "2")
    assert last["resumeToken"] == "2"
    assert (last["end"]["code"], last["end"]["message"]) == (11, "that is gone")
    [detail] = last["end"]["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert detail["reason"] == "POSITION_GONE"


@STYLES
def test_a_stream_that_is_through_says_so(streams: Running, operator: str, accept: str) -> None:
    last, _ = last_record(streams, "7", accept, operator)
    assert last["end"] == {"code": 0, "message": "", "details": []}


def test_an_end_record_holds_no_text_of_an_exception(streams: Running, operator: str) -> None:
    last, _ = last_record(streams, "broken", NDJSON, operator)
    assert last["end"]["code"] == 13
    assert "hunter2" not in json.dumps(last)


def test_without_it_a_late_error_looks_like_a_good_end(edge: Running, operator: str) -> None:
    # A service that is not on the kit: what the transcoder alone does with such an error.
    with opened(edge, "late", NDJSON, operator) as answer:
        assert answer.status_code == 200
        [only] = records(answer)
    assert "end" not in only


@STYLES
def test_an_error_before_the_first_record_is_a_status(
    streams: Running, operator: str, accept: str
) -> None:
    with opened(streams, "missing", accept, operator) as answer:
        answer.read()
        assert (answer.status_code, answer.json()["code"]) == (404, 5)
        assert answer.headers["content-type"] == "application/json"


@STYLES
def test_a_stream_ends_when_its_token_does(streams: Running, issuer: Issuer, accept: str) -> None:
    expires = int(time.time()) + 2
    last, at = last_record(streams, "quiet", accept, issuer.token("operator", exp=expires))
    assert last["end"]["code"] == 16
    assert last["end"]["details"][0]["reason"] == "TOKEN_EXPIRED"
    assert expires - 0.5 <= at <= expires + 5


def test_a_service_that_goes_away_says_so(start: Start, issuer: Issuer, operator: str) -> None:
    with kit_replica(issuer) as leaving:
        edge = start(replicas=[leaving])
        with opened(edge, "quiet", NDJSON, operator) as answer:
            told = records(answer)
            assert next(told)["order"]["etag"] == "1"
            leaving.process.terminate()
            *_, last = told
    assert last["end"]["code"] == 14
    assert last["end"]["details"][0]["reason"] == "DRAINING"


def test_a_grpc_caller_gets_the_status_and_no_record(
    streams: Running, operator: str, model: Model
) -> None:
    metadata = (("authorization", f"Bearer {operator}"), ("x-envoy-original-path", "/forged"))
    with streams.channel() as channel:
        watch = channel.unary_stream(
            WATCH, WatchOrderRequest.SerializeToString, WatchOrderResponse.FromString
        )
        answers = watch(WatchOrderRequest(name="orders/late"), metadata=metadata, timeout=10)
        assert [next(answers).HasField("end") for _ in range(2)] == [False, False]
        with pytest.raises(grpc.RpcError) as caught:
            next(answers)
    assert code_of(caught.value) is grpc.StatusCode.OUT_OF_RANGE
