# ruff: noqa: N802 - servicers name their methods as the proto does.
"""What the kit writes into a stream: signs of life, and over REST the end record."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from bridge.errors import OutOfRange
from bridge.server.answers import Answers
from bridge.server.methods import methods_of
from bridge.server.pipeline import innermost
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.bridge.v1 import event_service_pb2 as events
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceServicer
from tests.unit.server.conftest import Issuer, connect

SERVICE = "causeway.bridge.v1.EventService"
Answer = events.SubscribeEventsResponse
Behaviour = Callable[[], AsyncIterator[Answer]]
# What Envoy's transcoder leaves of a REST call.
REST = [("x-envoy-original-path", "/v1/events:subscribe")]


class Events(EventServiceServicer):
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.closed = asyncio.Event()

    async def SubscribeEvents(self, request: Any, context: Any) -> Any:
        try:
            async for answer in self._behaviour():
                yield answer
        finally:
            self.closed.set()


@pytest.fixture
def settings(settings: ServerSettings) -> ServerSettings:
    return settings.model_copy(update={"heartbeat": 0.1, "drain_delay": 0})


class Stream:
    """One open stream, read message by message."""

    def __init__(self, call: Any, server: Server, servicer: Events) -> None:
        self.call, self.server, self.servicer = call, server, servicer

    async def read(self) -> Answer | None:
        raw = await self.call.read()
        return None if raw is grpc.aio.EOF else Answer.FromString(raw)

    async def rest_of_it(self) -> list[Answer]:
        """What comes until the end, without signs of life; the trailers are left to `code`."""
        found = []
        try:
            while (answer := await self.read()) is not None:
                if not answer.HasField("heartbeat"):
                    found.append(answer)
        except grpc.aio.AioRpcError:
            pass
        return found

    async def code(self) -> int:
        code: int = (await self.call.code()).value[0]
        return code


@pytest.fixture
def opened(issuer: Issuer, settings: ServerSettings) -> Any:
    @asynccontextmanager
    async def open_stream(
        behaviour: Behaviour, metadata: Any = REST, **claims: Any
    ) -> AsyncIterator[Stream]:
        servicer = Events(behaviour)  # type: ignore[abstract]
        server = Server({SERVICE: servicer}, settings)
        await server.start("127.0.0.1:0")
        token = [("authorization", f"Bearer {issuer.token('auditor', **claims)}")]
        try:
            async with connect(server.port) as channel:
                call = channel.unary_stream(f"/{SERVICE}/SubscribeEvents")(
                    events.SubscribeEventsRequest(topics=["t"]).SerializeToString(),
                    metadata=[*token, *metadata],
                )
                yield Stream(call, server, servicer)
        finally:
            await server.drain()

    return open_stream


async def one() -> AsyncIterator[Answer]:
    yield Answer(resume_token="1")


async def one_then_gone() -> AsyncIterator[Answer]:
    yield Answer(resume_token="1")
    raise OutOfRange("that is gone", reason="POSITION_GONE")


async def one_then_secret() -> AsyncIterator[Answer]:
    yield Answer(resume_token="1")
    raise RuntimeError("password=hunter2")


def refuse() -> Answer:
    raise OutOfRange("that is gone", reason="POSITION_GONE")


async def gone() -> AsyncIterator[Answer]:
    yield refuse()


async def quiet() -> AsyncIterator[Answer]:
    yield Answer(resume_token="1")
    await asyncio.Event().wait()


async def silent() -> AsyncIterator[Answer]:
    await asyncio.Event().wait()
    yield Answer()


async def flood() -> AsyncIterator[Answer]:
    while True:
        yield Answer(resume_token="x" * 60_000)


async def test_a_late_error_is_the_last_record_over_rest_and_the_status_too(opened: Any) -> None:
    async with opened(one_then_gone) as stream:
        first, last = await stream.rest_of_it()
        assert first.resume_token == last.resume_token == "1"
        info = ErrorInfo()
        assert last.end.details[0].Unpack(info)
        assert (last.end.code, last.end.message) == (11, "that is gone")
        assert info.reason == "POSITION_GONE"
        assert await stream.code() == 11


async def test_a_stream_that_is_through_says_so_over_rest(opened: Any) -> None:
    async with opened(one) as stream:
        _, last = await stream.rest_of_it()
        assert last.HasField("end")
        assert last.end.code == 0
        assert await stream.code() == 0


@pytest.mark.parametrize(("behaviour", "code"), [(one, 0), (one_then_gone, 11)])
async def test_a_grpc_caller_gets_the_status_alone(
    opened: Any, behaviour: Behaviour, code: int
) -> None:
    async with opened(behaviour, metadata=()) as stream:
        assert [answer.HasField("end") for answer in await stream.rest_of_it()] == [False]
        assert await stream.code() == code


async def test_an_end_record_tells_no_more_than_any_other_error(opened: Any) -> None:
    async with opened(one_then_secret) as stream:
        _, last = await stream.rest_of_it()
        assert last.end.code == 13
        assert "hunter2" not in str(last)
        assert last.end.message.startswith("internal error; request ")


async def test_an_error_before_the_first_message_is_a_status_and_no_record(opened: Any) -> None:
    async with opened(gone) as stream:
        assert await stream.rest_of_it() == []
        assert await stream.code() == 11


async def test_the_end_of_a_token_is_the_last_record(opened: Any) -> None:
    expires = int(time.time()) + 2
    async with opened(quiet, exp=expires) as stream:
        _, last = await stream.rest_of_it()
        assert last.end.code == await stream.code() == 16
        assert expires - 0.5 <= time.time() <= expires + 5


async def test_a_replica_that_goes_away_says_so_in_the_last_record(opened: Any) -> None:
    async with opened(quiet) as stream:
        assert await stream.read()
        draining = asyncio.create_task(stream.server.drain())
        [last] = await stream.rest_of_it()
        assert last.end.code == await stream.code() == 14
        await draining


async def test_a_reader_who_does_not_read_can_not_keep_a_stream_open(opened: Any) -> None:
    async with opened(flood, exp=int(time.time()) + 2) as stream:
        await stream.read()
        async with asyncio.timeout(7):
            await stream.servicer.closed.wait()
        stream.call.cancel()


async def test_a_slow_reader_still_gets_the_last_record(opened: Any) -> None:
    async with opened(flood, exp=int(time.time()) + 2) as stream:
        await stream.read()
        await stream.servicer.closed.wait()  # a message is still on its way
        *_, last = await stream.rest_of_it()
        assert last.end.code == 16


async def test_a_slow_reader_over_grpc_still_gets_the_status(opened: Any) -> None:
    async with opened(flood, metadata=(), exp=int(time.time()) + 2) as stream:
        await stream.read()
        await stream.servicer.closed.wait()
        answers = await stream.rest_of_it()
        assert not any(answer.HasField("end") for answer in answers)
        assert await stream.code() == 16


async def test_a_quiet_stream_gives_signs_of_life_with_the_last_token(opened: Any) -> None:
    async with opened(quiet, metadata=()) as stream:
        assert (await stream.read()).resume_token == "1"
        for _ in range(3):
            answer = await asyncio.wait_for(stream.read(), 2)
            assert answer.HasField("heartbeat")
            assert answer.resume_token == "1"


async def test_a_stream_that_has_said_nothing_yet_shows_soon_that_it_is_open(opened: Any) -> None:
    async with opened(silent) as stream:
        assert (await asyncio.wait_for(stream.read(), 2)).HasField("heartbeat")


async def test_signs_of_life_end_with_their_caller(opened: Any) -> None:
    def beating() -> int:
        return sum("beat" in str(task.get_coro()) for task in asyncio.all_tasks())

    async with opened(quiet) as stream:
        await stream.read()
        assert beating() == 1
        stream.call.cancel()
        await asyncio.wait_for(stream.servicer.closed.wait(), 5)
        await asyncio.sleep(0.05)
        assert beating() == 0


async def test_nothing_is_put_on_top_of_what_a_slow_reader_has_to_read(opened: Any) -> None:
    written = 0

    async def counted() -> AsyncIterator[Answer]:
        nonlocal written
        async for answer in flood():
            written += 1
            yield answer

    async with opened(counted, metadata=()) as stream:
        await stream.read()
        so_far = 0
        while so_far != written:  # until gRPC's own buffers are full
            so_far = written
            await asyncio.sleep(1)  # ten heartbeats
        assert written < 1000
        read = [await stream.read() for _ in range(so_far)]
        assert not any(answer.HasField("heartbeat") for answer in read)


def test_a_servicer_that_writes_by_itself_is_refused_where_the_kit_writes_too() -> None:
    async def writes(request: Any, context: Any) -> None: ...

    with pytest.raises(TypeError, match="must yield"):
        innermost(methods_of(SERVICE)["SubscribeEvents"], writes)


async def test_a_write_that_fails_when_its_caller_has_gone_is_not_logged_as_nobodys() -> None:
    """Found by tests/fuzz: asyncio complains of a task whose exception nobody has looked at."""

    class Gone:
        async def write(self, _answer: Answer) -> None:
            await asyncio.sleep(0.01)
            raise RuntimeError("the caller is gone")

    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    answers = Answers(Gone(), Answer, rest=True)  # type: ignore[arg-type]
    writer = asyncio.create_task(answers.write(Answer()))
    await asyncio.sleep(0)
    writer.cancel()
    await asyncio.wait([writer])
    await asyncio.sleep(0.05)
    del answers, writer
    gc.collect()
    assert not complaints
