"""Where the parts of one deployment are. The emitters get addresses only from here."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway import identity
from gateway.model import RateLimit


@dataclass(frozen=True, slots=True)
class Address:
    """A host (name or IP address) and a TCP port."""

    host: str
    port: int

    @property
    def is_ip(self) -> bool:
        """Whether the host needs no look-up."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Limits:
    """What one edge takes at most.

    `caller`: calls by one subject. `address`, `total`: requests from one address (IPv6: from one
    /64, which one subscriber has) and of all together, before anything is checked; each listener
    counts for itself.
    `connections`: open at once on each listener. `heap`: bytes of memory at which it begins to shed
    load. The times are seconds: for the first line or TLS's handshake and then for the headers, for
    the whole request, and in which nothing moves on a stream.
    """

    caller: RateLimit = field(default_factory=lambda: RateLimit(2000, interval=1.0))
    address: RateLimit = field(default_factory=lambda: RateLimit(6000, interval=1.0))
    total: RateLimit = field(default_factory=lambda: RateLimit(10_000, interval=1.0))
    connections: int = 1000
    heap: int = 512 * 1024 * 1024
    headers_time: float = 5
    request_time: float = 15
    idle_time: float = 60


@dataclass(frozen=True, slots=True)
class Tls:
    """A listener with TLS. `folder`: Envoy reads `<folder>/current/certificate.pem` and `key.pem`.

    It watches the folder: write a new one into it, then rename a symlink over `current`.
    """

    listen: Address
    folder: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place where the platform runs.

    `root`        folder that Envoy watches, as Envoy sees it; it reads `<root>/current/*.json`.
    `clusters`    area ("orders") → its api replicas. IP addresses change live; names are resolved.
    `issuer`      exact `iss` of the tokens. `keycloak`: where the keys are fetched from.
    `domains`     host names that callers use, without port.
    `origins`     browser origins allowed by CORS, exact ("http://localhost:3000").
    `reflection_roles`  who may use server reflection; empty: any valid token.
    `collector`   OTLP over HTTP; None: Envoy passes `traceparent` on and makes no spans.
    `tls`         the second listener, for who is not on this machine; None: there is none.
    """

    root: str
    listen: Address
    admin: Address
    clusters: Mapping[str, tuple[Address, ...]]
    issuer: str
    keycloak: Address
    domains: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    origins: tuple[str, ...] = ()
    reflection_roles: tuple[str, ...] = ()
    collector: Address | None = None
    tls: Tls | None = None
    limits: Limits = field(default_factory=Limits)


SERVICE_PORT = 50051
"""The port of every service container, api and worker alike."""
CONTAINER_ROOT = "/etc/envoy/causeway"
CONTAINER_CERTIFICATES = "/etc/envoy/tls"


def container() -> Deployment:
    """The deployment of docker-compose.yml: its service names are the host names here.

    The issuer is the public address of Keycloak, the keys are fetched inside the network.
    """
    areas = ("bridge", "notifications", "orders", "users")
    return Deployment(
        root=CONTAINER_ROOT,
        listen=Address("0.0.0.0", 8080),  # noqa: S104 (inside its container)
        admin=Address("127.0.0.1", 9901),
        clusters={area: (Address(f"{area}-api", SERVICE_PORT),) for area in areas},
        issuer=f"http://localhost:8180/realms/{identity.REALM}",
        keycloak=Address("keycloak", 8080),
        domains=("localhost", "127.0.0.1", "[::1]", "envoy"),
        reflection_roles=("operator",),
        tls=Tls(Address("0.0.0.0", 8443), CONTAINER_CERTIFICATES),  # noqa: S104
    )
