"""The benchmark's own callers: cheap, and never counting a refusal as an answer."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from benchmarks.load import NUMBER, Plan, bodies, run
from benchmarks.wire import (
    ACK,
    DATA,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    Http1,
    Http2,
    RefusedError,
    frame,
    literal,
)

NAMES = ((":method", "POST"), (":path", "/orders.v1.OrderService/GetOrder"))
ECHO = "/test.Echo/Call"


def answered(body: bytes, stream: int = 1) -> bytes:
    return frame(HEADERS, 4, stream, b"\x88") + frame(DATA, END_STREAM, stream, body)


def test_an_answer_over_http1_is_complete_at_its_length_however_it_arrives() -> None:
    caller = Http1("GET", "/v1/orders/7", (("host", "localhost"),))
    assert caller.request() == b"GET /v1/orders/7 HTTP/1.1\r\nhost: localhost\r\n\r\n"
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    assert [caller.feed(whole[at : at + 1]) for at in range(len(whole))][:-1] == [None] * (
        len(whole) - 1
    )
    assert caller.feed(whole) == b"hello"


def test_an_answer_in_chunks_ends_with_the_last_one() -> None:
    caller = Http1("GET", "/", ())
    assert caller.feed(b"HTTP/1.1 200 OK\r\n\r\n2\r\nhi\r\n") is None
    assert caller.feed(b"0\r\n\r\n") == b"2\r\nhi\r\n0\r\n\r\n"


def test_a_refusal_over_http1_is_no_answer() -> None:
    with pytest.raises(RefusedError, match="429 Too Many Requests"):
        Http1("GET", "/", ()).feed(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")


def test_headers_are_named_once_on_a_connection_and_pointed_at_afterwards() -> None:
    caller = Http2(NAMES, lambda: b"body")
    first, second = caller.request(), caller.request()
    assert first.startswith(PREFACE)
    assert all(name.encode() in first for name, _ in NAMES)
    # The last one that was named is the newest: 62. Two bytes for two headers.
    assert second == frame(HEADERS, 4, 3, b"\xbf\xbe") + frame(DATA, END_STREAM, 3, b"body")


def test_a_long_value_has_its_length_in_sevens() -> None:
    # RFC 7541, 5.1: 1337 - 127 = 1210 = 9 * 128 + 58.
    assert literal("a", "x" * 1337) == b"\x40\x01a\x7f\xba\x09" + b"x" * 1337


def test_an_answer_over_http2_is_complete_when_its_stream_ends_however_it_arrives() -> None:
    caller = Http2(NAMES)
    caller.request()
    whole = answered(b"hello")
    assert [caller.feed(whole[at : at + 1]) for at in range(len(whole))] == [
        *[None] * (len(whole) - 1),
        b"hello",
    ]
    caller.request()
    assert caller.feed(answered(b"again", 3)) == b"again"


def test_settings_and_pings_are_acknowledged_once() -> None:
    caller = Http2(NAMES)
    caller.request()
    assert caller.feed(frame(SETTINGS, 0, 0, b"") + frame(PING, 0, 0, b"12345678")) is None
    assert caller.owed() == frame(SETTINGS, ACK, 0, b"") + frame(PING, ACK, 0, b"12345678")
    assert caller.feed(frame(SETTINGS, ACK, 0, b"")) is None
    assert caller.owed() == b""


@pytest.mark.parametrize("kind", [RST_STREAM, GOAWAY])
def test_a_stream_or_connection_that_is_cut_is_no_answer(kind: int) -> None:
    with pytest.raises(RefusedError):
        Http2(NAMES).feed(frame(kind, 0, 0, b"\0\0\0\2"))


def test_requests_that_hold_a_number_have_another_one_each() -> None:
    body = bodies((NUMBER + " and " + NUMBER).encode().hex(), iter((7, 8)))
    assert body() == b"\0\0\0\0\x1d000000000007 and 000000000007"
    assert body() == b"\0\0\0\0\x1d000000000008 and 000000000008"


def plan(port: int, holds: str) -> Plan:
    return Plan("127.0.0.1", port, "grpc", ECHO, ["t1", "t2"], holds, 0.1, body=b"hello".hex())


def test_a_real_grpc_server_is_called_by_as_many_as_there_are_tokens() -> None:
    seen = set()

    def echo(request: bytes, context: grpc.ServicerContext) -> bytes:
        seen.add(dict(context.invocation_metadata())["authorization"])
        return request

    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(echo)
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("test.Echo", {"Call": method})]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            found = run(plan(port, "hello"))
            with pytest.raises(ValueError, match="without 'goodbye'"):
                run(plan(port, "goodbye"))
        finally:
            server.stop(None).wait()
    assert seen == {"Bearer t1", "Bearer t2"}
    assert found.all_calls > found.calls > 2
    assert 0 < found.median < 1000
