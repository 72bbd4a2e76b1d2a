"""The `eventsourcing` library on its PostgreSQL recorder, as its documentation sets it up."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class Order(Aggregate):
    """An order that only counts."""

    @event("Placed")
    def __init__(self, customer: str) -> None:
        self.customer = customer
        self.confirmations = 0

    @event("Confirmed")
    def confirm(self, customer: str) -> None:
        """Record one more event."""
        self.customer = customer
        self.confirmations += 1


@contextmanager
def library(dsn: str) -> Iterator[Application[UUID]]:
    """Open an application on a database whose tables it may make itself."""
    parts = urlsplit(dsn)
    app: Application[UUID] = Application(
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.lstrip("/"),
            "POSTGRES_HOST": parts.hostname or "",
            "POSTGRES_PORT": str(parts.port),
            "POSTGRES_USER": parts.username or "",
            "POSTGRES_PASSWORD": parts.password or "",
        }
    )
    try:
        yield app
    finally:
        app.close()
