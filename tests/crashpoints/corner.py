"""A corner of the real parts for one run: databases, topics, a realm, a mail server, an issuer."""

import asyncio
import json
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

import causeway
import services
from bridge import migrations
from bridge.audit import heads
from bridge.kafka.admin import Topic, open_admin
from bridge.kafka.settings import KafkaSettings
from causeway.inventory.v1 import events_pb2 as inventory
from causeway.notifications.v1 import events_pb2 as notifications
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from services.events import catalog_of
from services.orders import product_table
from services.orders.product_table import Price
from tests.crashpoints.customer import EUR
from tests.crashpoints.life import PROCESSES, Life
from tests.integration.bridge.parts import kafka_settings
from tests.integration.notifications.hookserver import HookServer
from tests.integration.notifications.hookserver import running as hooking
from tests.integration.notifications.mailserver import MailServer
from tests.integration.notifications.mailserver import running as mailing
from tests.integration.service_database import service_database
from tests.integration.users.realm import SECRET, Realm, realm
from tests.unit.server.conftest import ISSUER, Issuer

_SERVICES = Path(services.__path__[0])
MIGRATIONS = {
    **{name: _SERVICES / name / "migrations" for name in ("users", "orders", "notifications")},
    "bridge": migrations.HERE,  # it has no others
}
DESCRIPTORS = Path(causeway.__path__[0]) / "descriptors.binpb"
PRICES = {"book": 12 * EUR + EUR // 2, "lamp": 40 * EUR, "desk": 250 * EUR}


@dataclass(frozen=True)
class Corner:
    """What a run works with, and what can be seen of it from outside."""

    run: str
    directory: Path
    databases: Mapping[str, str]
    pools: Mapping[str, asyncpg.Pool]
    kafka: KafkaSettings
    realm: Realm
    mails: MailServer
    hooks: HookServer
    issuer: Issuer
    ports: Mapping[str, int]

    def lives(self, **bugs: str) -> list[Life]:
        """What its processes are started with; `notifications_worker="…"` plants a bug."""
        return [
            Life(
                name,
                self.run,
                self._environment(name),
                self.directory,
                bug=bugs.get(name.replace("-", "_"), ""),
            )
            for name in PROCESSES
        ]

    def _environment(self, process: str) -> dict[str, str]:
        """As `stack` would set it."""
        return {
            "CAUSEWAY_LISTEN": f"127.0.0.1:{self.ports[process]}",
            "CAUSEWAY_DATABASE": self.databases[process.partition("-")[0]],
            "CAUSEWAY_DATABASES": json.dumps({**self.databases}),
            "CAUSEWAY_DESCRIPTORS": str(DESCRIPTORS),
            "CAUSEWAY_KAFKA": self.kafka.bootstrap,
            "CAUSEWAY_KAFKA_USERNAME": self.kafka.username,
            "CAUSEWAY_KAFKA_PASSWORD": self.kafka.password,
            "CAUSEWAY_REGISTRY": "http://127.0.0.1:1",
            "CAUSEWAY_ISSUER": ISSUER,
            "CAUSEWAY_JWKS": self.issuer.url,
            "CAUSEWAY_CLIENTS": "causeway-cli",
            "CAUSEWAY_SIGNING_KEY": "0123456789abcdef",
            "CAUSEWAY_KEYCLOAK": self.realm.address,
            "CAUSEWAY_REALM": self.realm.name,
            "CAUSEWAY_CLIENT_ID": "users",
            "CAUSEWAY_CLIENT_SECRET": SECRET,
            "CAUSEWAY_SMTP": f"127.0.0.1:{self.mails.port}",
            "CAUSEWAY_WEBHOOK_ALLOWED": f"127.0.0.1:{self.hooks.port}",
            "OTEL_SDK_DISABLED": "true",
        }


@asynccontextmanager
async def made(directory: Path) -> AsyncIterator[Corner]:
    """Make a corner, and clear it away."""
    async with AsyncExitStack() as stack:
        databases = await _databases(stack)
        pools = {
            name: await stack.enter_async_context(asyncpg.create_pool(dsn, min_size=1, max_size=2))
            for name, dsn in databases.items()
        }
        await _price(pools["orders"])
        kafka = kafka_settings()
        yield Corner(
            run=await stack.enter_async_context(_topics(kafka)),
            directory=directory,
            databases=databases,
            pools=pools,
            kafka=kafka,
            realm=stack.enter_context(
                realm(
                    os.environ["CAUSEWAY_TEST_KEYCLOAK"],
                    os.environ["CAUSEWAY_TEST_KEYCLOAK_PASSWORD"],
                )
            ),
            mails=await stack.enter_async_context(mailing()),
            hooks=await stack.enter_async_context(hooking()),
            issuer=await stack.enter_async_context(Issuer().serving()),
            ports=_free_ports(),
        )


async def _databases(stack: AsyncExitStack) -> dict[str, str]:
    """Make them side by side: each has its migrations."""
    superuser = os.environ["CAUSEWAY_TEST_POSTGRES"]
    made = await asyncio.gather(
        *(
            stack.enter_async_context(service_database(superuser, folder))
            for folder in MIGRATIONS.values()
        )
    )
    return dict(zip(MIGRATIONS, made, strict=True))


async def _price(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for sku, nanos in PRICES.items():
            await product_table.save(connection, sku, sku, Price("EUR", nanos), 1)


@asynccontextmanager
async def _topics(kafka: KafkaSettings) -> AsyncIterator[str]:
    """Make the topics of a run; gives its name, which is the prefix of theirs."""
    run = f"t-crash-{uuid.uuid4().hex[:12]}"
    catalog = catalog_of(orders, users, notifications, inventory)
    names = [f"{run}.{topic}" for topic in (*catalog.topics(), heads.TOPIC)]
    async with open_admin(kafka) as admin:
        await admin.create_topics([Topic(one, 3, 3, {"min.insync.replicas": "2"}) for one in names])
    try:
        yield run
    finally:
        client = AIOKafkaAdminClient(**kafka.client())
        await client.start()
        await client.delete_topics(names)
        await client.close()


def _free_ports() -> dict[str, int]:
    """A port for each process, the same in all of its lives."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in PROCESSES]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return dict(zip(PROCESSES, ports, strict=True))
