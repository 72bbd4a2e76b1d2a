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
    reused = platform.is_running(SETTINGS)
    if not reused:
        platform.stop(SETTINGS)
        try:
            platform.start(SETTINGS, "--scale", "orders=2")
        except BaseException:
            platform.stop(SETTINGS)
            raise
    yield platform.attach(SETTINGS)
    if not reused:
        platform.stop(SETTINGS)
