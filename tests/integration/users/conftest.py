import os
from collections.abc import Iterator

import pytest

from tests.integration.users.realm import Realm, realm


def setting(name: str) -> str:
    """What the test run says of the real parts."""
    value = os.environ.get(name)
    if not value:
        pytest.skip(f"{name} is not set: the real part does not run")
    return value


@pytest.fixture(scope="session")
def keycloak_realm() -> Iterator[Realm]:
    address = setting("CAUSEWAY_TEST_KEYCLOAK")
    with realm(address, setting("CAUSEWAY_TEST_KEYCLOAK_PASSWORD")) as made:
        yield made
