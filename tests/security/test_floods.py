"""Floods and broken frames, at the edge and at a service past it: both live and serve others.

What ends these floods is Envoy's own limits: they end on an edge without ours too. That ours are
what Envoy runs with is looked up in tests/integration/edge/settings/test_dumped.py.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.security import http2
from tests.security.conftest import Target
from tests.security.floods import BROKEN, FLOODS


def is_ended(connection: http2.Connection) -> bool:
    """Whether the peer has said GOAWAY or closed, or has reset what there was."""
    connection.drain()
    reset = connection.replies.get(1, http2.Reply()).reset is not None
    return connection.closed or connection.goaway not in (None, 0) or reset


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_ends_its_own_connection(target: Target, kind: str) -> None:
    with http2.Connection(target.ports.edge, patience=4) as connection:
        FLOODS[kind](connection, target.issuer.token("operator"))
        assert is_ended(connection)
    target.assert_well()


@pytest.mark.parametrize("kind", FLOODS)
def test_a_service_outlives_a_flood(target: Target, kind: str) -> None:
    """Nothing of the sort passes the edge; this is about who has got past it."""
    with http2.Connection(target.ports.service, patience=1) as connection:
        FLOODS[kind](connection, target.issuer.token("operator"))
    target.assert_well()


def test_floods_from_many_connections_at_once_keep_nobody_waiting(target: Target) -> None:
    token = target.issuer.token("operator")

    def flood(kind: str) -> None:
        with http2.Connection(target.ports.edge, patience=1) as connection:
            FLOODS[kind](connection, token)

    with ThreadPoolExecutor(16) as pool:
        attacks = [pool.submit(flood, kind) for kind in [*FLOODS] * 3]
        target.assert_well()
        for attack in attacks:
            attack.result()
    target.assert_well()


@pytest.mark.long
def test_an_hour_of_floods_in_short(target: Target) -> None:
    token = target.issuer.token("operator")
    for _ in range(30):
        for flood in FLOODS.values():
            with http2.Connection(target.ports.edge, patience=1) as connection:
                flood(connection, token)
        target.assert_well()


@pytest.mark.parametrize("kind", BROKEN)
def test_a_frame_that_breaks_the_protocol_ends_its_own_connection(
    target: Target, kind: str
) -> None:
    with http2.Connection(target.ports.edge, patience=5) as connection:
        connection.write(BROKEN[kind])
        assert is_ended(connection)


def test_a_service_outlives_what_breaks_the_protocol(target: Target) -> None:
    """gRPC passes over some of it, and ends the connection for the rest."""
    connections = [http2.Connection(target.ports.service) for _ in BROKEN]
    for connection, data in zip(connections, BROKEN.values(), strict=True):
        connection.write(data)
    target.assert_well()
    for connection in connections:
        connection.__exit__()
    target.assert_well()


def test_after_all_of_it_everybody_is_well(target: Target) -> None:
    target.assert_well()
