"""What the real registry says about schemas that are not registered yet."""

import uuid

import pytest

from bridge.events.catalog import Catalog
from bridge.registry.client import open_registry
from bridge.registry.schemas import register
from bridge.schemas.compatibility import registry_problems
from bridge.schemas.listing import list_subjects
from tests.event_protos import protos

PATH = "causeway/shop/v1/events.proto"
CLOSED = "causeway.shop.v1.CartClosed"
EVENTS = """
syntax = "proto3";
package causeway.shop.v1;
import "causeway/options/v1/options.proto";
import "google/type/money.proto";
message CartClosed {
  option (causeway.options.v1.event) = { topic: "TOPIC" key: "cart_id" stream: "carts" };
  string cart_id = 1;
  google.type.Money total = 2;
}
"""


@pytest.fixture
def topic() -> str:
    return f"t-gate-{uuid.uuid4().hex[:12]}"


def catalog(topic: str, text: str = EVENTS) -> Catalog:
    return protos({PATH: text.replace("TOPIC", topic)}).catalog()


async def problems(registry: str, asked: Catalog) -> list[str]:
    async with open_registry(registry) as client:
        return [str(problem) async for problem in registry_problems(client, asked)]


async def test_a_retyped_field_is_refused_and_nothing_is_registered(
    registry: str, topic: str
) -> None:
    await register(registry, catalog(topic))
    retyped = catalog(topic, EVENTS.replace("string cart_id = 1", "bytes cart_id = 1"))
    [found] = await problems(registry, retyped)
    assert found.startswith(f"{topic}-{CLOSED} is refused by the registry")
    async with open_registry(registry) as client:
        [*_, mine] = [one for one in await list_subjects(client, retyped) if CLOSED in one.subject]
    assert (len(mine.versions), mine.current) == (1, None)


async def test_an_added_field_is_no_problem(registry: str, topic: str) -> None:
    await register(registry, catalog(topic))
    added = catalog(topic, EVENTS.replace("total = 2;", "total = 2; string note = 3;"))
    assert await problems(registry, added) == []


async def test_what_is_new_as_a_whole_is_no_problem(registry: str, topic: str) -> None:
    assert await problems(registry, catalog(topic)) == []


async def test_a_listing_says_what_the_registry_has_and_which_of_it_is_this_code(
    registry: str, topic: str
) -> None:
    first = catalog(topic)
    second = catalog(topic, EVENTS.replace("total = 2;", "total = 2; string note = 3;"))
    await register(registry, first)
    await register(registry, second)
    async with open_registry(registry) as client:
        old = {one.subject: one for one in await list_subjects(client, first)}
        new = {one.subject: one for one in await list_subjects(client, second)}
    subject = f"{topic}-{CLOSED}"
    assert set(old) == {subject, "google/type/money.proto"}
    assert [schema.version for schema in old[subject].versions] == [1, 2]
    assert old[subject].compatibility == "BACKWARD_TRANSITIVE"
    assert (old[subject].current, new[subject].current) == tuple(old[subject].versions)
