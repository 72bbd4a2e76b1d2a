"""The one-shot steps of a start: what is provisioned in the parts, in-process and in parallel.

What a step imports is imported when it runs: `causeway status` builds the same graph.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from stack import addresses
from stack.choices import Choices
from stack.component import Task
from stack.components.postgres import dsn
from stack.components.services import api_ports
from stack.credentials import SERVICES as OWNERS
from stack.credentials import Credentials
from stack.environment import kafka_settings
from stack.settings import BROKERS, Settings

if TYPE_CHECKING:
    from bridge.events.catalog import Catalog
    from gateway.deployments import Address, Deployment
    from gateway.model import Model
    from stack.provision.realm import Administrator

CODE = Path(__file__).resolve().parent.parent


def steps(
    settings: Settings,
    credentials: Credentials,
    choices: Choices,
    domains: Sequence[str] | None = None,
) -> list[Task]:
    """All tasks of the platform. `domains`: the names of an edge that is not the local one."""
    bound = _Steps(settings, credentials, choices, domains)
    brokers = tuple(f"kafka-{number}" for number in BROKERS)
    return [
        Task("databases", bound.databases, after=("postgres",)),
        Task("configuration", bound.configuration),
        Task("certificates", bound.certificates),
        *(bound.migrations(service) for service in OWNERS),
        Task("topics", bound.topics, after=brokers),
        Task("schemas", bound.schemas, after=("registry",)),
        Task("realm", bound.realm, after=("keycloak",)),
        Task("people", bound.people, after=("realm", *_front_door(choices))),
    ]


def _front_door(choices: Choices) -> tuple[str, ...]:
    """What must be up before a call can be made from outside."""
    replicas = (f"{name}-api-{n + 1}" for name in OWNERS for n in range(choices.replicas(name)))
    return ("edge", *replicas)


def deployment(settings: Settings, choices: Choices) -> "Deployment":
    """How the gateway sees this platform."""
    from gateway.deployments import Address, Deployment, Tls

    port = settings.port
    return Deployment(
        root=str(edge_root(settings)),
        listen=Address(addresses.HOST, port.edge),
        admin=Address(addresses.HOST, port.edge_admin),
        clusters={
            name: tuple(Address(addresses.HOST, p) for p in api_ports(settings, choices, name))
            for name in OWNERS
        },
        issuer=addresses.issuer(port),
        keycloak=Address(addresses.HOST, port.keycloak),
        origins=settings.origins,
        collector=_collector(choices.collector),
        tls=Tls(Address(addresses.HOST, port.edge_tls), str(certificates_root(settings))),
    )


def _collector(given: str) -> "Address | None":
    """Where Envoy sends its spans: the collector of everybody, if it is plain HTTP."""
    from gateway.deployments import Address

    url = urlsplit(given)
    if url.scheme != "http" or not url.hostname:
        return None
    return Address(url.hostname, url.port or 4318)


def edge_root(settings: Settings) -> Path:
    """The folder that Envoy watches."""
    return settings.state / "envoy"


def certificates_root(settings: Settings) -> Path:
    """The folder with the edge's certificate, which Envoy watches too."""
    return settings.state / "tls"


def model() -> "Model":
    """The gateway's model of the committed protos."""
    from gateway import descriptors
    from gateway.reading import read_model

    return read_model(descriptors.load())


def compiled_realm(settings: Settings, credentials: Credentials, of: "Model") -> dict[str, Any]:
    """The realm of this platform, with its secrets and local people, in Keycloak's format."""
    from gateway.realm import realm
    from stack.provision.people import local_people

    secrets = {name: credentials[f"client/{name}"] for name in of.areas}
    return realm(of, secrets, secure=False, people=local_people(), origins=settings.origins)


def administrator(settings: Settings, credentials: Credentials) -> "Administrator":
    """Who changes this platform's realm."""
    from stack.provision.realm import Administrator

    keycloak = addresses.keycloak(settings.port)
    return Administrator(keycloak, "admin", credentials["keycloak/admin"])


def catalog() -> "Catalog":
    """Every event type of the platform, and how older ones are read."""
    from bridge.events.generated import event_modules
    from services.events import catalog_of

    return catalog_of(*event_modules())


class _Steps:
    """The steps, bound to one platform."""

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        choices: Choices,
        domains: Sequence[str] | None,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._choices = choices
        self._domains = domains

    async def databases(self) -> None:
        from stack.provision.databases import provision_databases

        await provision_databases(self._settings, self._credentials)

    async def configuration(self) -> None:
        """Compile the edge for this platform and publish it."""
        await anyio.to_thread.run_sync(self._publish)

    def _publish(self) -> None:
        from gateway import descriptors
        from gateway.envoy.edge import emit
        from gateway.envoy.files import publish
        from stack.live import served

        of, where = model(), deployment(self._settings, self._choices)
        publish(edge_root(self._settings), emit(of, where))
        # The services are about to start, with these protos.
        served.note(self._settings.state, served.digests(descriptors.load(), of.areas))

    async def certificates(self) -> None:
        """An authority of this platform's own, and what it signs for the edge."""
        from stack.provision.certificates import provide_certificates

        domains = self._domains or deployment(self._settings, self._choices).domains
        state, root = self._settings.state, certificates_root(self._settings)
        await anyio.to_thread.run_sync(provide_certificates, state, root, domains)

    def migrations(self, service: str) -> Task:
        """The task that brings a service's database to its newest form."""

        async def migrate() -> None:
            from bridge.migrations import migrate

            owner = dsn(self._settings, self._credentials, f"{service}_owner", service)
            await migrate(owner, service, _own_migrations(service))

        return Task(f"migrations-{service}", migrate, after=("databases",))

    async def topics(self) -> None:
        from gateway.topics import topics
        from stack.provision.topics import provision_topics

        admin = kafka_settings(self._settings, self._credentials, "admin")
        await provision_topics(admin, topics(model()))

    async def schemas(self) -> None:
        from bridge.registry.schemas import register

        await register(addresses.registry(self._settings.port), catalog())

    async def realm(self) -> None:
        from stack.proof.guests import remove_left
        from stack.provision.realm import provision_realm

        who = administrator(self._settings, self._credentials)
        await provision_realm(who, compiled_realm(self._settings, self._credentials, model()))
        # Here alone: while the platform runs, a check may need its own.
        await anyio.to_thread.run_sync(remove_left, who, addresses.REALM)

    async def people(self) -> None:
        """The first time, through the front door; after that, see that it is open."""
        from stack.provision.demo_data import fingerprint
        from stack.provision.front_door import opened

        mark, wanted = anyio.Path(self._settings.state / "demo.done"), fingerprint()
        if await mark.exists() and await mark.read_text("utf-8") == wanted:
            await opened(self._settings.port.edge_admin, OWNERS)
            return
        from stack.provision.demo import provision_demo
        from stack.provision.people import ADMINISTRATOR, LOCAL_USERS
        from stack.provision.realm import grant

        await provision_demo(self._settings.port)
        who = administrator(self._settings, self._credentials)
        await grant(who, addresses.REALM, ADMINISTRATOR, LOCAL_USERS[ADMINISTRATOR])
        await mark.parent.mkdir(parents=True, exist_ok=True)
        await mark.write_text(wanted, "utf-8")


def _own_migrations(service: str) -> Sequence[Path]:
    """The folder with the service's tables; the bridge has none beside its schema."""
    folder = CODE / "services" / service / "migrations"
    return [folder] if folder.is_dir() else []
