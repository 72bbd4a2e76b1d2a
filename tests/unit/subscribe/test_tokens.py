"""Resume tokens: small, and good for one caller and one filter."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidArgument
from bridge.kafka.record import Partition
from bridge.subscribe.tokens import MOST_PARTITIONS, Place, ResumeTokens, binding_of
from causeway.bridge.v1 import event_service_pb2 as pb

TOKENS = ResumeTokens("a secret of sixteen")
BINDING = binding_of("u-1", pb.SubscribeEventsRequest(topics=["a"]))
OFFSETS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6)
LONGEST = pb.SubscribeEventsRequest.DESCRIPTOR.fields_by_name["resume_token"]


def place_of(topics: dict[str, list[int]], since: datetime | None = None) -> Place:
    return Place(
        {Partition(t, n): at for t, some in topics.items() for n, at in enumerate(some)}, since
    )


@given(
    st.dictionaries(st.text(max_size=5), OFFSETS, min_size=1, max_size=4),
    st.none() | st.datetimes(datetime(1970, 1, 2), timezones=st.just(UTC)),
)
def test_a_token_gives_back_the_place_that_it_was_made_for(
    topics: dict[str, list[int]], since: datetime | None
) -> None:
    place = place_of(topics, since)
    token = TOKENS.seal(BINDING, place)
    assert TOKENS.open(BINDING, sorted(topics), token) == place
    # Another replica with the same secret.
    assert ResumeTokens("a secret of sixteen").open(BINDING, sorted(topics), token) == place


def test_the_largest_subscription_fits_a_token() -> None:
    each = MOST_PARTITIONS // 20
    place = place_of({f"t{n:02}": [2**63 - 1] * each for n in range(20)}, datetime.now(UTC))
    assert len(TOKENS.seal(BINDING, place)) < 4096


@given(st.data())
def test_an_altered_token_is_refused(data: st.DataObject) -> None:
    token = TOKENS.seal(BINDING, place_of({"a": [1, 2, 3]}))
    at = data.draw(st.integers(0, len(token) - 2))  # the last sign has bits that say nothing
    # Both alphabets of base64 are read: an exchange between them alters nothing.
    same = {token[at]} | next(({*pair} for pair in ("+-", "/_") if token[at] in pair), set())
    other = data.draw(st.characters().filter(lambda one: one not in same))
    with pytest.raises(InvalidArgument):
        TOKENS.open(BINDING, ["a"], token[:at] + other + token[at + 1 :])


@given(st.text(max_size=60))
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        TOKENS.open(BINDING, ["a"], text)


@pytest.mark.parametrize(
    ("subject", "request_"),
    [
        ("u-2", pb.SubscribeEventsRequest(topics=["a", "b"], keys=["k"])),
        ("u-1", pb.SubscribeEventsRequest(topics=["a"], keys=["k"])),
        ("u-1", pb.SubscribeEventsRequest(topics=["a", "b"], keys=["k", "l"])),
        ("u-1", pb.SubscribeEventsRequest(topics=["a", "b"], types=["k"])),
        ("u-1", pb.SubscribeEventsRequest(topics=["a", "b"], sources=["k"])),
        ("u-1", pb.SubscribeEventsRequest(topics=["a", "b", "k"])),
    ],
)
def test_a_token_is_bound_to_its_caller_and_its_filter(
    subject: str, request_: pb.SubscribeEventsRequest
) -> None:
    mine = pb.SubscribeEventsRequest(topics=["a", "b"], keys=["k"])
    assert binding_of(subject, request_) != binding_of("u-1", mine)
    same = pb.SubscribeEventsRequest(
        topics=["b", "a", "b"], keys=["k"], position=pb.START_POSITION_EARLIEST
    )
    assert binding_of("u-1", same) == binding_of("u-1", mine)
