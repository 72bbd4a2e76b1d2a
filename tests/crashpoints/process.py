"""One process of the choreography: its own composition root with crash points at its ports.

Forked from a server that has everything imported, so that a life begins in a moment. What it runs
is `services.<name>.bootstrap` or `bridge.api.bootstrap`, api or worker; other than on the platform
are the names of topics and groups, which are the run's own, and the times that a crash makes
somebody wait for.
"""

import multiprocessing
import os
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

from bridge.audit import heads
from bridge.effects import sender
from bridge.events.catalog import Catalog
from bridge.events.schema import SchemaId
from bridge.events.upcasting import NO_UPCASTERS, Upcasters
from bridge.kafka import reader
from bridge.middleware.standard import standard
from bridge.parking import redrive
from bridge.registry.schemas import schema_ids
from bridge.relay.relay import Relay
from bridge.server.process import run
from services.users.identity_changes import IdentityChanges
from services.users.intents import Intents
from services.users.sweeper import Sweeper
from tests.crashpoints import bugs, doing, ports
from tests.crashpoints.life import Life
from tests.crashpoints.trigger import Trigger

LATE = (
    "bridge.worker",
    "services.notifications.handlers",
    "services.notifications.mailer",
    "services.notifications.outcomes",
    "services.notifications.webhook",
    "services.orders.handlers",
    "services.orders.projections",
    "services.users.handlers",
    "services.users.keycloak",
)
"""What a bootstrap imports when it runs: here before a life is forked."""
BOOTSTRAPS = {
    name: import_module(f"{package}.bootstrap")
    for name, package in {
        "users": "services.users",
        "orders": "services.orders",
        "notifications": "services.notifications",
        "bridge": "bridge.api",
    }.items()
}
for _module in LATE:
    import_module(_module)


def live(life: Life) -> None:
    """Run the process to its end: SIGKILL at its aim, or by whoever started it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with life.log.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(life.environment)
    name, _, kind = life.process.partition("-")
    _on_own_names(life)
    _shorten()
    ports.plant(Trigger(life.process, life.report, life.aim))
    bugs.plant(life.bug)
    sys.exit(run(life.process, getattr(BOOTSTRAPS[name], kind)))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _on_own_names(life: Life) -> None:
    """Topics and groups of the run's own, members that take their predecessor's place at once, and
    schemas that nobody needs to have registered."""

    read = Catalog.of

    def renamed(_: type[Catalog], *modules: Any, upcasters: Upcasters = NO_UPCASTERS) -> Catalog:
        types = read(*modules, upcasters=upcasters)
        topics = {one.name: replace(one, topic=f"{life.run}.{one.topic}") for one in types}
        return Catalog(topics, upcasters)

    def member(settings: Any, **options: Any) -> Any:
        group = options.get("group_id")
        if group is not None:
            options |= {"group_id": f"{life.run}.{group}", "group_instance_id": life.process}
        return make_reader(settings, **options)

    async def registered(
        _registry: str, catalog: Catalog, **_patience: float
    ) -> dict[str, SchemaId]:
        return {one.name: SchemaId(7, 1) for one in catalog}

    make_reader = reader.make_reader
    Catalog.of = classmethod(renamed)  # type: ignore[assignment, method-assign]
    everywhere(make_reader, member)
    everywhere(schema_ids, registered)
    everywhere(Relay, partial(Relay, seals=f"{life.run}.{heads.TOPIC}"))
    everywhere(standard, lambda group: (*standard(group), doing.noting))


def _shorten() -> None:
    """Leases and pauses of seconds, where a crash leaves others to wait for them."""
    pace = sender.Pace(attempt=3.0, lease=10.0, poll=0.2, first_pause=0.2, longest_pause=1.0)
    send = sender.Sender
    everywhere(send, lambda pool, effects, outcome, *_: send(pool, effects, outcome, pace))
    everywhere(
        redrive.Redriver,
        partial(redrive.Redriver, pace=redrive.Pace(poll=0.3, first_pause=0.5, longest_pause=2.0)),
    )
    lease, settle = timedelta(seconds=4), timedelta(seconds=8)
    everywhere(Intents, partial(Intents, lease=lease, settle=settle))
    everywhere(Sweeper, partial(Sweeper, interval=1.0))
    everywhere(IdentityChanges, partial(IdentityChanges, lease=lease, settle=settle))


def everywhere(original: Any, replacement: Any) -> None:
    """Put something in the place of a name of the product's, wherever it was imported."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("bridge.", "services.")):
            for known, value in list(vars(module).items()):
                if value is original:
                    setattr(module, known, replacement)
