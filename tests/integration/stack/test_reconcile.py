"""What the protos say comes into a realm and a cluster that exist, and drift is put right.

Each test has a realm or topics of its own: the platform's are left alone.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from keycloak import KeycloakAdmin

from bridge.kafka.admin import Admin, open_admin
from gateway.model import Model, Role
from gateway.realm import realm
from gateway.topics import Topic, event_topic, topics
from stack.errors import Code, StackError
from stack.provision.change import Change, carry_out
from stack.provision.people import local_people
from stack.provision.realm import plan_realm
from stack.provision.topics import plan_rules, plan_topics, rules
from stack.steps import model
from tests.integration.bridge.parts import until
from tests.integration.stack.administrator import keycloak
from tests.integration.stack.conftest import Site
from tests.integration.stack.test_kafka import write


def _texts(changes: list[Change]) -> list[str]:
    return [change.text for change in changes]


# --- realm


@pytest.fixture
def name(site: Site) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    keycloak(site, "master").delete_realm(name)


def compiled(of: Model, name: str) -> dict[str, Any]:
    secrets = dict.fromkeys(of.areas, "secret-of-a-test")
    return realm(of, secrets, secure=False, people=local_people()) | {"realm": name}


def variant() -> Model:
    """A model with a role more, which admin includes, and a service more."""
    of = model()
    roles = tuple(
        replace(role, includes=(*role.includes, "packer")) if role.name == "admin" else role
        for role in of.roles
    )
    packing = replace(of.services[0], name="causeway.packing.v1.PackingService", area="packing")
    added = Role("packer", (), "Packs what was ordered")
    return replace(of, roles=(*roles, added), services=(*of.services, packing))


def included(site: Site, name: str) -> set[str]:
    found = keycloak(site, name).get_composite_realm_roles_of_role("admin")
    return {role["name"] for role in found}


async def test_a_role_and_a_service_that_are_added_come_into_a_realm_that_exists_and_go_again(
    site: Site, name: str
) -> None:
    await carry_out(await plan_realm(site.administrator, compiled(model(), name)))
    changes = await plan_realm(site.administrator, compiled(variant(), name))
    assert _texts(changes) == [
        "new role packer",
        "role admin includes packer",
        "new client packing",
    ]
    await carry_out(changes)
    assert "packer" in included(site, name)
    assert await plan_realm(site.administrator, compiled(variant(), name)) == []

    changes = await plan_realm(site.administrator, compiled(model(), name))
    assert _texts(changes) == [
        "role admin no longer includes packer",
        "role packer removed",
        "client packing removed",
    ]
    await carry_out(changes)
    assert "packer" not in included(site, name)
    assert await plan_realm(site.administrator, compiled(model(), name)) == []


async def test_drift_of_a_realm_is_named_and_put_right_and_users_are_left_alone(
    site: Site, name: str
) -> None:
    wanted = compiled(model(), name)
    await carry_out(await plan_realm(site.administrator, wanted))
    admin = keycloak(site, name)
    person = admin.create_user({"username": "somebody", "enabled": True})
    admin.assign_realm_roles(person, [admin.get_realm_role("operator")])
    admin.create_realm_role({"name": "by-hand"})
    admin.create_client({"clientId": "by-hand", "enabled": True})
    _disturb(admin, name)

    changes = await plan_realm(site.administrator, wanted)
    assert _texts(changes) == [
        "accessTokenLifespan 36000 → 300",
        "role customer: description Anybody → " + _description(wanted, "customer"),
        "new role auditor",
        "role customer no longer includes publisher",
        "role admin includes auditor, operator",
        "client causeway-cli: standardFlowEnabled True → False",
        "client causeway-cli: new mapper audience",
        "user ada: granted auditor",
    ]
    await carry_out(changes)
    assert await plan_realm(site.administrator, wanted) == []
    assert {r["name"] for r in admin.get_realm_roles_of_user(person)} > {"operator"}
    # Not made by us, so not ours to remove; no rule of the edge names it.
    assert admin.get_realm_role("by-hand")
    assert admin.get_client_id("by-hand")


def _disturb(admin: KeycloakAdmin, name: str) -> None:
    admin.update_realm(name, {"accessTokenLifespan": 36000})
    admin.delete_realm_role("auditor")
    admin.remove_composite_realm_roles_to_role("admin", [admin.get_realm_role("operator")])
    customer = admin.get_realm_role("customer")
    admin.update_realm_role("customer", {**customer, "description": "Anybody"})
    admin.add_composite_realm_roles_to_role("customer", [admin.get_realm_role("publisher")])
    number = str(admin.get_client_id("causeway-cli"))
    client = admin.get_client(number)
    admin.update_client(number, {**client, "standardFlowEnabled": True})
    for mapper in client["protocolMappers"]:
        admin.remove_client_mapper(number, mapper["id"])


def _description(wanted: dict[str, Any], name: str) -> str:
    (found,) = (r["description"] for r in wanted["roles"]["realm"] if r["name"] == name)
    return str(found)


# --- topics


@pytest.fixture
async def admin(site: Site) -> AsyncIterator[Admin]:
    async with open_admin(site.kafka("admin")) as admin:
        yield admin


@pytest.fixture
def topic() -> Topic:
    return event_topic(f"causeway.test-{uuid.uuid4().hex[:12]}.v1", ("orders",))


async def test_a_topic_that_is_added_is_made_with_its_writers_rules_and_then_stays(
    site: Site, admin: Admin, topic: Topic
) -> None:
    wanted = rules([*topics(model()), topic])
    made, allowed = await plan_topics(site.kafka("admin"), admin, [topic]), None
    assert _texts(made) == [f"new topic {topic.name}"]
    await carry_out(made)
    try:
        allowed = await plan_rules(admin, wanted)
        assert _texts(allowed) == [f"new rule: orders may write topic {topic.name}"]
        await carry_out(allowed)
        assert await plan_topics(site.kafka("admin"), admin, [topic]) == []
        assert await plan_rules(admin, wanted) == []
    finally:
        changes = await plan_rules(admin, rules(topics(model())))
        assert _texts(changes) == [f"rule removed: orders may write topic {topic.name}"]
        await carry_out(changes)
    assert topic.name in await admin.topics()


async def settled(site: Site, admin: Admin, topic: Topic) -> None:
    """Wait until nothing is left to change: any broker may answer, and not all heard at once."""

    async def is_settled() -> bool:
        return await plan_topics(site.kafka("admin"), admin, [topic]) == []

    await until(is_settled)


async def test_drift_of_a_topic_is_named_and_put_right_while_it_is_empty(
    site: Site, admin: Admin, topic: Topic
) -> None:
    other = {**topic.config, "retention.ms": "86400000", "max.message.bytes": "2000000"}
    small = replace(topic, partitions=2, config=other)
    await carry_out(await plan_topics(site.kafka("admin"), admin, [small]))
    await settled(site, admin, small)
    changes = await plan_topics(site.kafka("admin"), admin, [topic])
    assert _texts(changes) == [
        f"topic {topic.name}: partitions 2 → 3",
        f"topic {topic.name}: retention.ms 86400000 → -1",
    ]
    await carry_out(changes)
    await settled(site, admin, topic)
    found = (await admin.config([topic.name]))[topic.name]
    # What the protos say nothing of stays as somebody set it.
    assert (found["retention.ms"], found["max.message.bytes"]) == ("-1", "2000000")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"partitions": 4}, "partitions: wanted 4, found 3"),
        ({"partitions": 2}, "partitions: wanted 2, found 3"),
        ({"replication": 2}, "replication: wanted 2, found 3"),
    ],
)
async def test_what_would_break_the_order_of_stored_events_is_left_to_a_person(
    site: Site, admin: Admin, topic: Topic, change: dict[str, int], words: str
) -> None:
    await carry_out(await plan_topics(site.kafka("admin"), admin, [topic]))
    await write(site.kafka("admin"), topic.name)
    with pytest.raises(StackError) as caught:
        await plan_topics(site.kafka("admin"), admin, [replace(topic, **change)])  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.detail) == (Code.TOPIC_MISMATCH, words)
