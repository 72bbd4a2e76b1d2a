"""Protobuf messages of every kind, to every method, by every role, at the edge and past it."""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import grpc
import pytest
from hypothesis import given, note

from tests.fuzz import calling
from tests.fuzz.calling import Answer
from tests.fuzz.families import Sent, requests
from tests.fuzz.oracle import verdict
from tests.fuzz.plan import LONG, SHORT, examples
from tests.fuzz.stage import Caller, Stage
from tests.fuzz.surface import Method, surface

pytestmark = pytest.mark.usefixtures("unharmed")
every_method = pytest.mark.parametrize("method", surface(), ids=str)
both_ways = pytest.mark.parametrize("way", ["edge", "direct"])
FROM_HANDLERS = {
    grpc.StatusCode.OK,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
}
Codes = defaultdict[str, set[grpc.StatusCode]]


@pytest.fixture(scope="module")
def channels(fuzzing: Stage) -> Iterator[dict[str, grpc.Channel]]:
    opened = {name: grpc.insecure_channel(target) for name, target in fuzzing.targets.items()}
    yield opened
    for channel in opened.values():
        channel.close()


@every_method
@both_ways
def test_no_message_gets_more_than_a_status_with_a_meaning(
    method: Method, way: str, fuzzing: Stage, channels: dict[str, grpc.Channel]
) -> None:
    assert_reached(fuzz(method, way, fuzzing, channels, SHORT))


@pytest.mark.long
@pytest.mark.timeout(1200)
@every_method
@both_ways
def test_no_message_of_thousands_gets_more_than_a_status_with_a_meaning(
    method: Method, way: str, fuzzing: Stage, channels: dict[str, grpc.Channel]
) -> None:
    assert_reached(fuzz(method, way, fuzzing, channels, LONG))


def fuzz(
    method: Method, way: str, stage: Stage, channels: dict[str, grpc.Channel], count: int
) -> Codes:
    """Send so many messages; which codes each caller got."""
    target = "edge" if way == "edge" else method.area
    pause = method.pause if way == "edge" else 0.0
    codes: Codes = defaultdict(set)

    @examples(count)
    @given(requests(method, stage))
    def send(sent: Sent) -> None:
        messages = sent.messages
        for caller in callers_of(method, stage, messages):
            note(calling.command(stage.targets[target], method, messages, caller.label))
            answer = calling.call(channels[target], method, messages, caller.token(), pause)
            assert not (wrong := judged(method, caller, answer)), f"{caller.label}: {wrong}"
            codes[caller.label].add(answer.code)

    send()
    return codes


def callers_of(method: Method, stage: Stage, messages: Sequence[bytes]) -> list[Caller]:
    """One whom the access rule lets in and one whom it does not, chosen by the message itself."""
    chosen = zlib.crc32(b"".join(messages))
    groups: dict[bool, list[Caller]] = {True: [], False: []}
    for caller in stage.callers:
        groups[method.admits(caller.roles)].append(caller)
    return [group[chosen % len(group)] for group in groups.values() if group]


def judged(method: Method, caller: Caller, answer: Answer) -> str:
    return verdict(method, caller.roles, answer.code, answer.said)


def assert_reached(codes: Codes) -> None:
    """The handler was reached, else the messages prove nothing."""
    seen = set().union(*codes.values())
    assert seen & FROM_HANDLERS, f"no message came to the handler: {dict(codes)}"
