"""`python -m benchmarks.deliver_load`: posts at a steady rate, and a subscription that sees them.

Over REST, through the edge. A process of its own, on the standard library alone. A post counts from
when it was due, also where those before it were too slow for it to begin then.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from statistics import median
from urllib.parse import urlencode

from benchmarks.load import PATIENCE

POSTERS = 8
"""Connections; each has a post under way for as long as it takes."""


@dataclass(frozen=True, slots=True)
class DeliverPlan:
    """Where to, the topic, as whom, and how often: `rate` posts a second for `seconds`."""

    port: int
    topic: str
    customers: Sequence[str]
    auditor: str
    body: str
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """Medians in milliseconds, both from when the post was due: its answer, and its event."""

    posts: int
    answered: float
    delivered: float


class Subscription:
    """Reads events as they come, from `begun` on; `seen` is when, by the name of the order."""

    def __init__(self, plan: DeliverPlan) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", plan.port, timeout=PATIENCE)
        query = urlencode({"topics": plan.topic, "position": "START_POSITION_LATEST"})
        headers = {
            "authorization": f"Bearer {plan.auditor}",
            "accept": "application/x-ndjson",
        }
        self._connection.request("GET", f"/v1/events:subscribe?{query}", headers=headers)
        self._answer = self._connection.getresponse()
        if self._answer.status != http.client.OK:
            raise ValueError(f"the subscription: {self._answer.status} {self._answer.read()!r}")
        self.seen: dict[str, float] = {}
        self._thread = threading.Thread(target=self._read, daemon=True)

    def begin(self) -> None:
        """Wait for the first record, which says that it has its place."""
        self._answer.readline()
        self._thread.start()

    def _read(self) -> None:
        while line := self._answer.readline():
            now = time.perf_counter()
            event = json.loads(line).get("event")
            if event:
                self.seen[event["subject"]] = now


def post(plan: DeliverPlan, number: int, began: float) -> dict[str, tuple[float, float]]:
    """Post as one of the posters: when each was due and was answered, by the order's name."""
    connection = http.client.HTTPConnection("127.0.0.1", plan.port, timeout=PATIENCE)
    headers = {
        "authorization": f"Bearer {plan.customers[number]}",
        "content-type": "application/json",
    }
    posted = {}
    for turn in range(number, int(plan.rate * plan.seconds), POSTERS):
        due = began + turn / plan.rate
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.request("POST", "/v1/orders", plan.body, headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status != http.client.OK:
            raise ValueError(f"a post: {answer.status} {data!r}")
        posted[json.loads(data)["name"]] = due, time.perf_counter()
    connection.close()
    return posted


def run(plan: DeliverPlan) -> Delivered:
    """Post, and wait until everything is delivered. ValueError: something was not."""
    subscription = Subscription(plan)
    subscription.begin()
    began = time.perf_counter() + 0.1
    with ThreadPoolExecutor(POSTERS) as pool:
        found = pool.map(lambda number: post(plan, number, began), range(POSTERS))
        posted = {name: times for one in found for name, times in one.items()}
    until = time.perf_counter() + PATIENCE
    while missing := posted.keys() - subscription.seen.keys():
        if time.perf_counter() > until:
            raise ValueError(f"{len(missing)} of {len(posted)} were not delivered")
        time.sleep(0.01)
    answered = [after - start for start, after in posted.values()]
    delivered = [subscription.seen[name] - start for name, (start, _) in posted.items()]
    return Delivered(len(posted), 1000 * median(answered), 1000 * median(delivered))


if __name__ == "__main__":
    print(json.dumps(asdict(run(DeliverPlan(**json.load(sys.stdin))))))
