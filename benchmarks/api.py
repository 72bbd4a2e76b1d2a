"""`python -m benchmarks.api`: what whole methods cost, beside bare handlers, in one table.

Everything is on: the server kit with all its steps, one process, called directly unless it says
that the edge is between. Callers, services and PostgreSQL share the machine's cores.
"""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial

from benchmarks import cli
from benchmarks.api_parts import ApiBench, running
from benchmarks.backend import HOST
from benchmarks.edge_parts import Place, Seen, seen
from benchmarks.harness import Row, Say, Target, all_in_turns
from benchmarks.load import NUMBER, Plan
from causeway.orders.v1 import order_service_pb2 as orders

SECONDS = 1.5
"""Of each load, after its warm-up."""
ROUNDS = 7
REQUEST_ID = f"0198c5a2-7d3e-7b54-9f0a-{NUMBER}"
CREATE_ORDER = "/causeway.orders.v1.OrderService/CreateOrder"
CREATORS = 32


async def create(bench: ApiBench) -> Sequence[Row]:
    """Orders of two items, each with a request_id of its own, placed by 32 callers at once."""
    items = [orders.Order.Item(sku=sku, quantity=n) for sku, n in (("book", 2), ("lamp", 1))]
    request = orders.CreateOrderRequest(order=orders.Order(items=items), request_id=REQUEST_ID)
    tokens = bench.edge.tokens(CREATORS, "customer")

    async def load(place: Place) -> Seen:
        body = request.SerializeToString().hex()
        plan = Plan(HOST, place.port, "grpc", CREATE_ORDER, tokens, "EUR", SECONDS, body)
        return await seen(place, plan)

    async with bench.orders() as (ours, _), bench.inserting() as bare:
        sides = {"ours": partial(load, ours), "bare": partial(load, bare)}
        found = await all_in_turns(sides, bench.rounds, bench.say, _told)
    peer = "bare handler, 1 INSERT"
    rates = [(one["ours"].rate, one["bare"].rate) for one in found]
    costs = [(one["ours"].cost, one["bare"].cost) for one in found]
    return [
        Row(f"CreateOrder, {CREATORS} callers", peer, "calls/s", rates, Target(least=1.2)),
        Row("CPU of its server", peer, "µs/call", costs),
    ]


def _told(one: Seen) -> str:
    return f"{one.rate:,.0f}/s ({one.cost:,.0f} µs)"


def _running(say: Say) -> AbstractContextManager[ApiBench]:
    return running(SECONDS, ROUNDS, say)


SUITE = cli.Suite(_running, {"create": create})

if __name__ == "__main__":
    sys.exit(cli.main("benchmarks.api", str(__doc__), [SUITE], sys.argv[1:]))
