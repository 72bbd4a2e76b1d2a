"""What a run leaves behind: read from the databases, from Kafka and from the mail server."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import asyncpg
from google.protobuf.message import Message

from bridge.events.catalog import Catalog
from causeway.inventory.v1 import events_pb2 as inventory
from causeway.notifications.v1 import events_pb2 as notifications
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from services.events import catalog_of
from services.notifications.messages import MESSAGES
from services.users.money import to_nanos
from tests.crashpoints.corner import Corner
from tests.integration.bridge.parts import read_all
from tests.integration.notifications.hookserver import Post

EMAIL, WEBHOOK = "email", "webhook"
MODULES = {"users": users, "orders": orders, "notifications": notifications, "bridge": inventory}
"""Whose events are in which store."""
STOCK_GROUP = "causeway.orders.stock"
REST = {
    "outbox": "SELECT count(*) FROM bridge.outbox",
    "parked": "SELECT count(*) FROM bridge.parked",
    "deliveries": "SELECT count(*) FROM bridge.deliveries WHERE state = 'pending'",
    "replays": "SELECT count(*) FROM bridge.replays WHERE state IN ('pending', 'running')",
}
UNDER_WAY = {
    "intents": "SELECT count(*) FROM intents",
    "identity changes": "SELECT count(*) FROM identity_changes",
}
LOST = "SELECT count(*) FROM bridge.deliveries WHERE state = 'unrecorded'"
ACCOUNTS = "SELECT id, credit_limit, reserved, active, email FROM users"
PRODUCTS = """
SELECT sku, version, price, coalesce(pieces, 0) FROM products LEFT JOIN stock USING (sku)
"""
REPLAYS = "SELECT 'replays/' || id AS name, state, events_done FROM bridge.replays"
READ = "SELECT id, read_time FROM notifications WHERE read_time IS NOT NULL"
HANDLED = "SELECT event_id::text FROM bridge.inbox WHERE consumer_group = $1"
EVENTS = (
    "SELECT stream, version, type, event_id::text AS id, data FROM bridge.events ORDER BY position"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An event of a store."""

    stream: str
    version: int
    id: str
    message: Message


@dataclass(frozen=True, slots=True)
class Account:
    """A user's row: amounts in nanos; and what Keycloak says of it."""

    limit: int
    reserved: int
    active: bool = False
    email: str = ""
    identity: tuple[bool, str] | None = (False, "")
    """Whether it may log in, and its address; None: Keycloak does not know it."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product's row: the price in nanos, and the pieces in stock."""

    version: int
    price: int
    pieces: int


@dataclass
class Evidence:
    """All of a run, as far as its promises are about it."""

    events: dict[str, list[Stored]] = field(default_factory=dict)
    """By service, in order of position."""
    states: dict[str, int] = field(default_factory=dict)
    """By order."""
    accounts: dict[str, Account] = field(default_factory=dict)
    """By id of the user."""
    products: dict[str, Product] = field(default_factory=dict)
    """By sku."""
    adjusted: list[str] = field(default_factory=list)
    """Ids of the events whose pieces Orders has counted."""
    read: dict[str, datetime] = field(default_factory=dict)
    """Since when, by notification; those that are not read are left out."""
    replays: dict[str, tuple[str, int]] = field(default_factory=dict)
    """How each ended, and how many events it has met, by name."""
    names: set[str] = field(default_factory=set)
    """Whom Keycloak knows, by username."""
    mails: list[tuple[str, str]] = field(default_factory=list)
    """Message-ID and address of each mail, as often as it came."""
    posts: list[tuple[str, str]] = field(default_factory=list)
    """Id and username of each post of a webhook, as often as it came."""
    records: dict[str, list[int]] = field(default_factory=dict)
    """Versions on Kafka by stream, each at its first time."""
    rest: dict[str, int] = field(default_factory=dict)
    """What waits in which table."""

    def told(self, *, welcome: bool = True) -> dict[str, str]:
        """Events that a customer must hear of: id -> user.

        Without the welcome: that may be told before the customer has said where its webhook is.
        """
        return {
            one.id: MESSAGES[type(one.message)](one.message).recipient
            for service in (("users", "orders") if welcome else ("orders",))
            for one in self.events[service]
            if type(one.message) in MESSAGES
        }

    def sent(self) -> Counter[tuple[str, str, str]]:
        """How often each (user, cause, channel) was noted as sent."""
        return Counter(
            (one.message.recipient, one.message.cause_event_id, one.message.channel)
            for one in self.events["notifications"]
            if isinstance(one.message, notifications.NotificationSent)
        )

    def credit(self, user_id: str) -> list[int]:
        """What was reserved after each event of a user's stream, in nanos."""
        held, course = 0, []
        for one in self.events["users"]:
            if one.stream == f"users/{user_id}":
                if isinstance(one.message, users.CreditReserved):
                    held += to_nanos(one.message.amount)
                elif isinstance(one.message, users.CreditReleased):
                    held -= to_nanos(one.message.amount)
                course.append(held)
        return course


async def gathered(corner: Corner) -> Evidence:
    """Look at everything."""
    found = Evidence(
        mails=[_mail(mail) for mail in corner.mails.mails],
        posts=[_post(post) for post in corner.hooks.posts],
    )
    for service, pool in corner.pools.items():
        catalog = catalog_of(MODULES[service])
        found.events[service] = [_stored(row, catalog) for row in await pool.fetch(EVENTS)]
        for name, sql in REST.items():
            found.rest[f"{service} {name}"] = await pool.fetchval(sql)
        found.rest[f"{service} unrecorded"] = await pool.fetchval(LOST)
    for name, sql in UNDER_WAY.items():
        found.rest[f"users {name}"] = await corner.pools["users"].fetchval(sql)
    for row in await corner.pools["orders"].fetch("SELECT id, state FROM orders"):
        found.states[f"orders/{row['id']}"] = row["state"]
    await _errands(corner, found)
    known = await asyncio.to_thread(_identities, corner)
    found.names = {one["username"] for one in known}
    identities = {one["id"]: (one["enabled"], one.get("email", "")) for one in known}
    for row in await corner.pools["users"].fetch(ACCOUNTS):
        user_id, limit, reserved, active, email = row
        identity = identities.get(user_id)
        found.accounts[user_id] = Account(limit, reserved, active, email, identity)
    found.records = await _records(corner)
    return found


async def _errands(corner: Corner, found: Evidence) -> None:
    """Look at what goes on beside the orders."""
    shop = corner.pools["orders"]
    for sku, *told in await shop.fetch(PRODUCTS):
        found.products[sku] = Product(*told)
    found.adjusted = [event_id for (event_id,) in await shop.fetch(HANDLED, STOCK_GROUP)]
    for name, state, done in await shop.fetch(REPLAYS):
        found.replays[name] = state, done
    for name, time in await corner.pools["notifications"].fetch(READ):
        found.read[f"notifications/{name}"] = time


async def waiting(corner: Corner) -> int:
    """How much is still to come: what waits in a table or is under way, events that nobody was
    mailed about, and those about stock that were not counted."""
    counts = [await pool.fetchval(sql) for pool in corner.pools.values() for sql in REST.values()]
    counts += [await corner.pools["users"].fetchval(sql) for sql in UNDER_WAY.values()]
    told, sent = await asyncio.gather(_events_to_tell(corner), _events_told(corner))
    published, adjusted = await asyncio.gather(_published(corner), _adjusted(corner))
    return int(sum(counts)) + max(0, told - sent) + published - adjusted


async def _events_to_tell(corner: Corner) -> int:
    kinds = [kind.DESCRIPTOR.full_name for kind in MESSAGES]
    sql = "SELECT count(*) FROM bridge.events WHERE type = ANY ($1)"
    return sum([int(await corner.pools[one].fetchval(sql, kinds)) for one in ("users", "orders")])


async def _events_told(corner: Corner) -> int:
    sql = "SELECT count(*) FROM notifications WHERE channel = $1"
    return int(await corner.pools["notifications"].fetchval(sql, EMAIL))


async def _adjusted(corner: Corner) -> int:
    sql = "SELECT count(*) FROM bridge.inbox WHERE consumer_group = $1"
    return int(await corner.pools["orders"].fetchval(sql, STOCK_GROUP))


async def _published(corner: Corner) -> int:
    return int(await corner.pools["bridge"].fetchval("SELECT count(*) FROM bridge.events"))


def _identities(corner: Corner) -> list[dict[str, Any]]:
    return list(corner.realm.admin.get_users({"max": 10_000}))


async def _records(corner: Corner) -> dict[str, list[int]]:
    found: defaultdict[str, dict[int, None]] = defaultdict(dict)
    for topic in catalog_of(*MODULES.values()).topics():
        for record in await read_all(corner.kafka, f"{corner.run}.{topic}"):
            said = {name: (value or b"").decode() for name, value in record.headers}
            if "ce_sequence" not in said:  # rubbish
                continue
            found[said["ce_subject"]][int(said["ce_sequence"])] = None
    return {stream: list(versions) for stream, versions in found.items()}


def _stored(row: asyncpg.Record, catalog: Catalog) -> Stored:
    message = catalog[row["type"]].message.FromString(row["data"])
    return Stored(row["stream"], row["version"], row["id"], message)


def _post(post: Post) -> tuple[str, str]:
    return post.headers["webhook-id"], post.line.split(" ")[1].strip("/")


def _mail(mail: EmailMessage) -> tuple[str, str]:
    return str(mail["Message-ID"]).strip("<>"), str(mail["To"].addresses[0].addr_spec)
