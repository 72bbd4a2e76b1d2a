"""CreateOrder, whole, beside a bare handler that inserts one row."""

from collections.abc import Sequence
from functools import partial

from benchmarks.api_parts import ApiBench
from benchmarks.backend import HOST
from benchmarks.edge_parts import Place, Seen, seen
from benchmarks.harness import Row, Target, all_in_turns
from benchmarks.load import NUMBER, Plan
from benchmarks.publish import told
from causeway.orders.v1 import order_service_pb2 as orders

REQUEST_ID = f"0198c5a2-7d3e-7b54-9f0a-{NUMBER}"
PATH = "/causeway.orders.v1.OrderService/CreateOrder"
CREATORS = 32


def request() -> orders.CreateOrderRequest:
    """Two items, and a request_id of its own."""
    items = [orders.Order.Item(sku=sku, quantity=n) for sku, n in (("book", 2), ("lamp", 1))]
    return orders.CreateOrderRequest(order=orders.Order(items=items), request_id=REQUEST_ID)


async def create(bench: ApiBench) -> Sequence[Row]:
    """Orders placed by 32 customers at once. Nobody relays: that is another process."""
    tokens = bench.edge.tokens(CREATORS, "customer")
    body = request().SerializeToString().hex()

    async def load(place: Place) -> Seen:
        seconds = bench.edge.seconds
        return await seen(place, Plan(HOST, place.port, "grpc", PATH, tokens, "EUR", seconds, body))

    async with bench.orders() as (ours, _), bench.inserting() as bare:
        sides = {"ours": partial(load, ours), "bare": partial(load, bare)}
        found = await all_in_turns(sides, bench.rounds, bench.say, told)
    peer = "bare handler, 1 INSERT"
    rates = [(one["ours"].rate, one["bare"].rate) for one in found]
    costs = [(one["ours"].cost, one["bare"].cost) for one in found]
    return [
        Row(f"CreateOrder, {CREATORS} callers", peer, "calls/s", rates, Target(least=1.2)),
        Row("CPU of its server", peer, "µs/call", costs),
    ]
