import os
from collections.abc import Iterator

import pytest

from tests.fuzz import stage, vitality
from tests.fuzz.stage import Stage
from tests.platform import Platform


@pytest.fixture(scope="session")
def fuzzing(causeway: Platform) -> Iterator[Stage]:
    """The stage: callers and resources of the fuzzing's own."""
    grant = stage.granting(
        os.environ["CAUSEWAY_TEST_KEYCLOAK"], os.environ["CAUSEWAY_TEST_KEYCLOAK_PASSWORD"]
    )
    with stage.set_up(causeway, grant) as ready:
        yield ready


@pytest.fixture(scope="package")
def unharmed(causeway: Platform, fuzzing: Stage) -> Iterator[None]:
    """After the fuzzing every process lives and is well, no log complains, none is parked."""
    before = vitality.signs(causeway)
    yield
    found = vitality.harm(causeway, before, fuzzing.targets)
    assert not found, "the platform is harmed:\n" + "\n".join(found)
