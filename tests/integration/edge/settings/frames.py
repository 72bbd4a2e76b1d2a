"""The HTTP/2 settings that a server tells a new connection (RFC 9113, 6.5)."""

import socket

from tests.integration.edge.bench import HOST, Running

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, WINDOW_UPDATE = 4, 8
FIRST_WINDOW = 65_535
"""Of a connection, before any update."""


def settings_of(edge: Running) -> dict[int, int]:
    """Number of a setting -> value; 0 -> the window of the connection."""
    found = {0: FIRST_WINDOW}
    with socket.create_connection((HOST, edge.deployment.listen.port), 5) as connection:
        connection.settimeout(0.5)
        connection.sendall(PREFACE + bytes([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]))
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except TimeoutError:
            pass
    while len(received) >= 9:
        size, kind = int.from_bytes(received[:3], "big"), received[3]
        payload, received = received[9 : 9 + size], received[9 + size :]
        if kind == SETTINGS:
            for at in range(0, len(payload), 6):
                number = int.from_bytes(payload[at : at + 2], "big")
                found[number] = int.from_bytes(payload[at + 2 : at + 6], "big")
        elif kind == WINDOW_UPDATE:
            found[0] += int.from_bytes(payload, "big")
    return found
