"""Where a webhook may go: what a customer writes must not reach what only we can reach.

A URI is read once, here; its name is resolved once and every address of the answer is checked, and
what was checked is what is connected to (`Target.uri_at`), so that a second answer of the name
server changes nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_network

from bridge.errors import FieldViolation, InvalidArgument
from services.notifications.webhook_allowed import Allowed, address_of, is_name

FIELD = "preferences.webhook_uri"
LONGEST = 2000
URI = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:[/?][A-Za-z0-9._~!$&'()*+,;=:@/?%\[\]-]*)?)",
    re.IGNORECASE,
)
"""The part of RFC 3986 that is taken: no user, no fragment, no escape in a host. Two parsers may
read anything beyond it in two ways."""

REFUSED = tuple(
    map(
        ip_network,
        (
            # https://www.iana.org/assignments/iana-ipv4-special-registry
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            # Azure's host, metadata included, has an address that looks public:
            # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
            "168.63.129.16/32",
            # https://www.iana.org/assignments/iana-ipv6-special-registry, within 2000::/3
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)
UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given out. Outside of it are loopback, link-local, unique local, multicast,
and the forms that carry an IPv4 address (mapped, translated)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URI, taken apart. `host` is lower case, an IPv6 address without its brackets; `path` is
    what the request line carries."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the header `Host` says; the port where it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def uri_at(self, address: str) -> str:
        """The URI with a checked address in the place of its host."""
        host = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{host}:{self.port}{self.path}"


PORTS = {"https": 443, "http": 80}


def target_of(uri: str, allowed: Allowed) -> Target:
    """Read what a customer wrote; its name is not resolved here.

    InvalidArgument (WEBHOOK_ADDRESS_REFUSED): no such URI, neither HTTPS nor an allowed host, or a
    host that no name server need be asked about.
    """
    found = URI.fullmatch(uri) if len(uri) <= LONGEST else None
    if found is None:
        raise _refused("must be https://HOST[:PORT][/PATH], without user name or fragment")
    scheme, host = found["scheme"].lower(), _host(found["host"].lower())
    port = int(found["port"]) if found["port"] else PORTS.get(scheme, 0)
    excepted = allowed.holds(host, port)
    if scheme != "https" and not (scheme == "http" and excepted):
        raise _refused("must begin with https://")
    if not 0 < port < 65536:
        raise _refused("has no such port: take one from 1 to 65535")
    if not excepted:
        _check_host(host)
    path = found["target"]
    return Target(scheme, host, port, path if path.startswith("/") else f"/{path}")


def checked(target: Target, addresses: Sequence[str], allowed: Allowed) -> Sequence[str]:
    """The addresses of a target's host, if all of them may be connected to.

    InvalidArgument (WEBHOOK_ADDRESS_REFUSED) for a single one that may not: an answer that mixes
    is no honest one.
    """
    if not allowed.holds(target.host, target.port):
        for address in addresses:
            if not (is_public(address) or allowed.holds(address, target.port)):
                raise _refused("leads to an address that is not public")
    return addresses


def is_public(text: str) -> bool:
    """Whether an address is one that anybody on the internet may have."""
    address = address_of(text)
    if address is None or (address.version == 6 and address not in UNICAST):
        return False
    return not any(address in network for network in REFUSED)


def _host(written: str) -> str:
    host = written.strip("[]")
    if host != written and not isinstance(address_of(host), IPv6Address):
        raise _refused("has no IPv6 address between its brackets")
    return host


def is_address(host: str) -> bool:
    """Whether a target's host is an address, and no name to look up."""
    return address_of(host) is not None


def _check_host(host: str) -> None:
    if address_of(host) is not None:
        if not is_public(host):
            raise _refused("leads to an address that is not public")
    elif not is_name(host) or "." not in host:
        raise _refused("must have a public host name, such as hooks.example.com")


def _refused(why: str) -> InvalidArgument:
    text = f"webhook_uri {why}"
    return InvalidArgument(
        text, violations=(FieldViolation(FIELD, text),), reason="WEBHOOK_ADDRESS_REFUSED"
    )
