"""What may be reached by webhooks although it is not public: hosts and networks, by port."""

import re
from collections.abc import Container
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

USUAL = (80, 443)
"""The ports of an exception that names none. There is no word for all of them: an address that is
not public mostly has somebody's admin port too."""
ENTRY = re.compile(r"(?P<host>\[[0-9a-f:./]+\]|[^\[\]:]+):(?P<port>[0-9]{1,5})")
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
LAST_LABEL = re.compile(r"[a-z][a-z0-9-]*")
"""A name that ends in a number is an address to some parsers: 127.1, 127.0x1, 2130706433."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Exceptions from the rules: names and networks, each with its ports. None by default."""

    names: tuple[tuple[str, Container[int]], ...] = ()
    networks: tuple[tuple[Network, Container[int]], ...] = ()

    @classmethod
    def of(cls, text: str) -> "Allowed":
        """Read a comma list of host names, addresses and networks, each perhaps with `:PORT`, IPv6
        in brackets then; ValueError names a wrong one."""
        names, networks = list[tuple[str, Container[int]]](), list[tuple[Network, Container[int]]]()
        for entry in filter(None, (part.strip().lower() for part in text.split(","))):
            host, ports = _split(entry)
            try:
                networks.append((ip_network(host), ports))
            except ValueError:
                if not is_name(host):
                    raise ValueError(
                        f"{entry!r} is no host name, no address and no network"
                    ) from None
                names.append((host, ports))
        return cls(tuple(names), tuple(networks))

    def holds(self, host: str, port: int) -> bool:
        """Whether this port of this very name, or of this address by a network, is excepted."""
        address = address_of(host)
        if address is None:
            return any(host == name and port in ports for name, ports in self.names)
        return any(address in network and port in ports for network, ports in self.networks)


def is_name(host: str) -> bool:
    """Whether it can be a host's name, and to no parser an address. Lower case."""
    labels = host.split(".")
    every = len(host) <= 253 and all(map(LABEL.fullmatch, labels))
    return every and LAST_LABEL.fullmatch(labels[-1]) is not None


def address_of(text: str) -> Address | None:
    """The address that a text is; None: a name, or nothing."""
    try:
        # A zone ("fe80::1%eth0") names one of our interfaces.
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def _split(entry: str) -> tuple[str, tuple[int, ...]]:
    """Host or network, and its ports."""
    found = ENTRY.fullmatch(entry)
    if found is None:
        return entry, USUAL
    port = int(found["port"])
    if not 0 < port < 65536:
        raise ValueError(f"{entry!r} has no such port: take one from 1 to 65535")
    host = found["host"]
    # Without a colon inside, what is in brackets is left in them: it is refused as no name.
    return host.strip("[]") if ":" in host else host, (port,)
