"""What every test may ask for: the platform, on ports and state of its own.

A platform that already runs with these settings is used and left running; `make test` starts one
and stops it at the end. CAUSEWAY_TEST_OFFSET and CAUSEWAY_TEST_STATE move it.
"""

import os
from collections.abc import Iterator

import pytest

from tests import otlp, platform

OFFSET = int(os.environ.get("CAUSEWAY_TEST_OFFSET", "20000"))
STATE = os.environ.get("CAUSEWAY_TEST_STATE", str(platform.ROOT / ".causeway-test"))
OTLP_PORT = 4318 + OFFSET
SETTINGS = {
    "CAUSEWAY_STATE": STATE,
    "CAUSEWAY_PORT_OFFSET": str(OFFSET),
    # Everything is traced, so that any test may look at the trace of what it did.
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{OTLP_PORT}",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
}


@pytest.fixture(scope="session")
def spans() -> Iterator[otlp.Receiver]:
    """What the platform's processes export as traces."""
    with otlp.receive(OTLP_PORT) as receiver:
        yield receiver


@pytest.fixture(scope="session")
def causeway(spans: otlp.Receiver) -> Iterator[platform.Platform]:
    """The running platform, with two replicas of Orders."""
    with platform.running(SETTINGS) as running:
        os.environ.update(real_parts(running))
        yield running


def real_parts(running: platform.Platform) -> dict[str, str]:
    """Where tests of single parts find them: administrator's access, which no service has."""
    from stack.components.postgres import SUPERUSER, dsn
    from stack.credentials import load_credentials
    from stack.settings import load_settings

    settings = load_settings(port={"offset": OFFSET}, state=STATE)
    credentials = load_credentials(settings.state)
    return {
        "CAUSEWAY_TEST_POSTGRES": dsn(settings, credentials, SUPERUSER, "postgres"),
        "CAUSEWAY_TEST_KAFKA": running["CAUSEWAY_KAFKA"],
        "CAUSEWAY_TEST_KAFKA_USERNAME": "admin",
        "CAUSEWAY_TEST_KAFKA_PASSWORD": credentials["kafka/admin"],
        "CAUSEWAY_TEST_REGISTRY": running["CAUSEWAY_REGISTRY"],
        "CAUSEWAY_TEST_KEYCLOAK": running["CAUSEWAY_KEYCLOAK"],
        "CAUSEWAY_TEST_KEYCLOAK_PASSWORD": credentials["keycloak/admin"],
    }
