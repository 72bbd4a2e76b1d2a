"""The benchmark's own publisher: it sends what HTTP/2 lets it, and counts what is stored."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice

import grpc
import pytest

from benchmarks.load import NUMBER
from benchmarks.stream_load import PATH, StreamPlan, requests, run, up_to, varint
from benchmarks.upload import LARGEST_FRAME, STREAM, Upload
from benchmarks.wire import (
    DATA,
    DEFAULT_WINDOW,
    END_STREAM,
    HEADERS,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    RefusedError,
    frame,
)
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_pb2 import Event

EVENT = Event(name=f"events/{NUMBER}", source="/warehouse")
NAMES = ((":method", "POST"), (":path", PATH))


def opened() -> Upload:
    upload = Upload(NAMES)
    upload.outgoing()
    return upload


def data_in(sent: bytes) -> list[int]:
    """The lengths of the DATA frames in what was sent."""
    found = []
    while sent:
        length = int.from_bytes(sent[:3], "big")
        if sent[3] == DATA:
            found.append(length)
        sent = sent[9 + length :]
    return found


def more(stream: int, size: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, size.to_bytes(4, "big"))


def test_messages_go_in_frames_as_long_as_both_windows_are_open() -> None:
    upload = opened()
    upload.write(bytes(100_000))
    frames = data_in(upload.outgoing())
    assert sum(frames) == DEFAULT_WINDOW
    assert max(frames) == LARGEST_FRAME
    assert upload.held == 100_000 - DEFAULT_WINDOW
    list(upload.feed(more(0, 1000)))
    assert data_in(upload.outgoing()) == []
    list(upload.feed(more(STREAM, 400)))
    assert data_in(upload.outgoing()) == [400]


def test_a_smaller_initial_window_closes_the_stream_that_is_open() -> None:
    upload = opened()
    smaller = b"\0\4" + (10).to_bytes(4, "big")
    list(upload.feed(frame(SETTINGS, 0, 0, smaller)))
    upload.write(bytes(100))
    assert data_in(upload.outgoing()) == [10]


def test_messages_come_out_whole_however_they_arrive() -> None:
    upload = opened()
    answers = b"\0\0\0\0\x02\x08\x05" + b"\0\0\0\0\x02\x08\x06"
    whole = frame(HEADERS, 4, STREAM, b"\x88") + frame(DATA, 0, STREAM, answers)
    found = [one for at in range(len(whole)) for one in upload.feed(whole[at : at + 1])]
    assert [up_to(one) for one in found] == [5, 6]


@pytest.mark.parametrize(("kind", "flags"), [(RST_STREAM, 0), (HEADERS, END_STREAM)])
def test_a_stream_that_is_ended_is_an_error(kind: int, flags: int) -> None:
    with pytest.raises(RefusedError):
        list(opened().feed(frame(kind, flags, STREAM, b"\0\0\0\0")))


def test_requests_are_those_of_the_proto_with_an_event_of_its_own_each() -> None:
    made = islice(requests(EVENT.SerializeToString().hex(), count(7)), 200)
    messages = [pb.PublishEventsRequest.FromString(one[5:]) for one in made]
    assert [one.sequence for one in messages] == list(range(1, 201))
    assert messages[0].event.name == "events/000000000007"
    assert len({one.event.name for one in messages}) == 200


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**40])
def test_a_number_is_read_as_it_is_written(value: int) -> None:
    assert up_to(b"\x08" + varint(value)) == value
    assert pb.PublishEventsResponse.FromString(b"\x08" + varint(value)).up_to == value


def test_a_real_server_acknowledges_what_it_was_sent() -> None:
    last = [0]

    def publish(incoming: Iterator[bytes], _context: grpc.ServicerContext) -> Iterator[bytes]:
        for raw in incoming:
            last[0] = pb.PublishEventsRequest.FromString(raw).sequence
            if last[0] % 10 == 0:
                yield pb.PublishEventsResponse(up_to=last[0]).SerializeToString()

    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(publish)
        service, _, name = PATH[1:].rpartition("/")
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, {name: method})]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            event = EVENT.SerializeToString().hex()
            found = run(StreamPlan("127.0.0.1", port, "t1", event, 0.1))
        finally:
            server.stop(None).wait()
    assert 0 < found.events <= found.all_events <= last[0]
