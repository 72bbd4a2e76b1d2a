"""Publishing from outside: one event a call, and a stream of them, beside bare handlers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial

from benchmarks.api_parts import ApiBench
from benchmarks.backend import HOST
from benchmarks.edge_parts import Place, Seen, cpu, loaded, seen
from benchmarks.harness import Row, Target, all_in_turns
from benchmarks.load import NUMBER, Plan
from benchmarks.stream_load import Acknowledged, StreamPlan
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_pb2 import Event
from causeway.inventory.v1.events_pb2 import StockAdjusted

PUBLISHERS = 64
PATH = "/causeway.bridge.v1.EventService/PublishEvent"
ALLOWED = 1.86
"""Milliseconds at one caller: Dapr's sidecar, measured on a machine like this."""
BARE = "bare handler"


def event() -> Event:
    """One event of a product and an id of its own, as its publisher knows it."""
    made = Event(name=f"events/0198c5a2-7d3e-7b54-9f0a-{NUMBER}", source="/warehouse/berlin")
    # A product of its own each: the key's length is that of a real one.
    made.data.Pack(StockAdjusted(sku=f"sku-{NUMBER}", delta=3, reason="delivered"))
    made.type = made.data.TypeName()
    return made


async def publish(bench: ApiBench) -> Sequence[Row]:
    """PublishEvent by 64 callers and by one; what is a repeat is told by source and id."""
    async with bench.events() as ours:
        with bench.answering() as bare:
            many = await _unary(bench, {"ours": ours, "bare": bare}, PUBLISHERS)
            one = await _unary(bench, {"ours": ours, "bare": bare}, 1)
    rates = [(found["ours"].rate, found["bare"].rate) for found in many]
    costs = [(found["ours"].cost, found["bare"].cost) for found in many]
    waited = [found["ours"].figures.median for found in one]
    beside = [(found["ours"].figures.median, found["bare"].figures.median) for found in one]
    allowed = [(median, ALLOWED) for median in waited]
    return [
        Row(f"PublishEvent, {PUBLISHERS} callers", BARE, "calls/s", rates, Target(least=0.5)),
        Row("CPU of its server", BARE, "µs/call", costs),
        Row("PublishEvent, 1 caller", "allowed", "ms", allowed, Target(most=1)),
        Row("PublishEvent, 1 caller", BARE, "ms", beside),
    ]


async def _unary(
    bench: ApiBench, places: Mapping[str, Place], callers: int
) -> Sequence[Mapping[str, Seen]]:
    body = pb.PublishEventRequest(event=event()).SerializeToString().hex()
    tokens = bench.edge.tokens(callers, "publisher")

    def side(place: Place) -> Callable[[], Awaitable[Seen]]:
        seconds = bench.edge.seconds
        return partial(
            seen, place, Plan(HOST, place.port, "grpc", PATH, tokens, "sku-", seconds, body)
        )

    sides = {name: side(place) for name, place in places.items()}
    return await all_in_turns(sides, bench.rounds, bench.say, told)


def told(one: Seen) -> str:
    """Put what was seen into words."""
    return f"{one.rate:,.0f}/s ({one.cost:,.0f} µs of CPU, {one.figures.median:,.2f} ms)"


async def publish_stream(bench: ApiBench) -> Sequence[Row]:
    """PublishEvents: one stream, its events acknowledged when they are stored."""
    async with bench.events() as ours:
        with bench.answering() as bare:
            sides = {
                name: partial(_streamed, bench, one)
                for name, one in (("ours", ours), ("bare", bare))
            }
            found = await all_in_turns(sides, bench.rounds, bench.say, _told)
    rates = [(one["ours"][0], one["bare"][0]) for one in found]
    costs = [(one["ours"][1], one["bare"][1]) for one in found]
    return [
        Row("PublishEvents, 1 stream", "bare stream", "events/s", rates, Target(least=0.4)),
        Row("CPU of its server", "bare stream", "µs/event", costs),
    ]


async def _streamed(bench: ApiBench, place: Place) -> tuple[float, float]:
    """Events a second, and microseconds of CPU for each."""
    [token] = bench.edge.tokens(1, "publisher")
    plan = StreamPlan(
        HOST, place.port, token, event().SerializeToString().hex(), bench.edge.seconds
    )
    before = cpu(place.process)
    found = Acknowledged(**await loaded("benchmarks.stream_load", asdict(plan)))
    return found.events / found.seconds, 1e6 * (cpu(place.process) - before) / found.all_events


def _told(one: tuple[float, float]) -> str:
    return f"{one[0]:,.0f}/s ({one[1]:,.0f} µs of CPU)"
