"""`python -m benchmarks.api_backend orders|events PORT`: a whole service, as the platform runs it.

On a database and a topic of the benchmark (`BENCH_*`), and with schema ids that nobody asked the
registry for: they are looked up at start, or at the first event, and cost nothing later.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from benchmarks.backend import HOST
from benchmarks.parts import SCHEMA, catalog_on, store_on
from bridge.api.bootstrap import OWN, SOURCE, open_all
from bridge.api.events import Events
from bridge.api.publish import Publisher
from bridge.changes import Changes
from bridge.database import answers, open_pool
from bridge.events.schema import SchemaId
from bridge.kafka.settings import KafkaSettings
from bridge.outages import translate
from bridge.server.deactivations import Deactivations
from bridge.server.paging import PageTokens
from bridge.server.process import run
from bridge.server.serve import serve
from bridge.server.settings import ServerSettings
from bridge.store.intake import Intake
from bridge.subscribe.log import log_of
from bridge.subscribe.subscriptions import Subscriptions
from causeway.inventory.v1 import events_pb2 as inventory_events
from causeway.orders.v1 import events_pb2 as orders_events
from causeway.users.v1.events_pb2 import UserDeactivated
from services.orders.bootstrap import CONNECTIONS, servicers
from services.orders.order_log import OrderLog
from services.orders.watch import CHANNEL

DATABASE, TOPIC, KAFKA = "BENCH_DATABASE", "BENCH_TOPIC", "BENCH_KAFKA"
"""`KAFKA`: host:port, username, password, with blanks between."""
DEACTIVATED = "BENCH_DEACTIVATED"
"""Topic whose events would deactivate users: followed, as any service does, and empty."""


async def orders(listen: str) -> None:
    """Serve as `services.orders.bootstrap` does."""
    dsn, server = os.environ[DATABASE], ServerSettings.model_validate({})
    log = OrderLog(store_on(catalog_on(os.environ[TOPIC], orders_events)))
    async with await open_pool(dsn, max_size=CONNECTIONS) as pool:
        changes = Changes(dsn, CHANNEL)
        await serve(
            listen,
            servicers(pool, log, changes, server),
            server,
            ready={"database": answers(pool), "changes": changes.ready},
            background=(changes.run,),
            translate=translate,
            deactivations=deactivations(server),
        )


async def events(listen: str) -> None:
    """Serve EventService as `bridge.api.bootstrap` does."""
    dsn, server = os.environ[DATABASE], ServerSettings.model_validate({})
    own = catalog_on(os.environ[TOPIC], inventory_events)
    known = catalog_on(os.environ[TOPIC], inventory_events, orders_events)
    ids = {one.name: SCHEMA for one in own}

    async def schemas() -> Mapping[str, SchemaId]:
        return ids

    key = server.signing_key.get_secret_value()
    subscriptions = Subscriptions(log_of(brokers()), known, key, server.heartbeat / 2)
    async with (
        open_all({OWN: dsn}, dsn) as (stores, _),
        await open_pool(dsn, max_size=CONNECTIONS) as pool,
    ):
        publisher = Publisher(Intake(pool), own, known, schemas, SOURCE)
        servicer = Events(stores, PageTokens(server.signing_key), subscriptions, publisher)
        await serve(
            listen,
            {"causeway.bridge.v1.EventService": servicer},
            server,
            background=(subscriptions.run,),
            translate=translate,
            deactivations=deactivations(server),
        )


def brokers() -> KafkaSettings:
    """As the benchmark's own user."""
    return KafkaSettings(*os.environ[KAFKA].split(" "))


def deactivations(server: ServerSettings) -> Deactivations:
    """Whose tokens count no more: nobody's, but each call asks."""
    name = UserDeactivated.DESCRIPTOR.full_name
    return Deactivations(brokers(), os.environ[DEACTIVATED], name, server.token_life)


KINDS: Mapping[str, Callable[[str], Awaitable[None]]] = {"orders": orders, "events": events}

if __name__ == "__main__":
    kind, port = sys.argv[1:]
    sys.exit(run(f"bench-{kind}", partial(KINDS[kind], f"{HOST}:{port}")))
