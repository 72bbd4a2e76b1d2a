"""Topics and access rules: what the gateway compiled, made true in the cluster."""

from collections.abc import Iterable, Sequence

from bridge.kafka.admin import Admin, Operation, Pattern, Resource, Rule, Topic, open_admin
from bridge.kafka.settings import KafkaSettings
from gateway.topics import Topic as OwnedTopic
from gateway.topics import event_topic
from stack.credentials import GUEST, SERVICES
from stack.errors import Code, StackError

PREFIX = "causeway."
OBSERVER = "observer"


async def provision_topics(settings: KafkaSettings, wanted: Sequence[OwnedTopic]) -> None:
    """Create missing topics, check those that are there, and set the access rules.

    `settings` must name a super user. Raises StackError TOPIC_MISMATCH when a topic is there
    with other partitions, replication or configuration: changing these under stored events
    would break the order of keys, so a person has to decide.
    """
    async with open_admin(settings) as admin:
        await _provide(admin, [_topic(owned) for owned in wanted])
        await _permit(admin, rules(wanted))


async def provision_guest_topics(
    settings: KafkaSettings, names: Sequence[str], wanted: set[Rule]
) -> None:
    """Create a guest's topics like the platform's own, and add its access rules."""
    async with open_admin(settings) as admin:
        await _provide(admin, [_topic(event_topic(name, ())) for name in names])
        await admin.allow(wanted - await admin.rules())


def rules(wanted: Iterable[OwnedTopic]) -> set[Rule]:
    """Who may do what. Only a topic's own writers write it; what is not named is refused."""
    writes = {
        Rule(writer, Operation.WRITE, Resource.TOPIC, owned.name)
        for owned in wanted
        for writer in owned.writers
    }
    return writes.union(*(_service(name) for name in SERVICES), _observers())


def _service(name: str) -> set[Rule]:
    groups = f"{PREFIX}{name}."
    return {
        Rule(name, Operation.READ, Resource.TOPIC, PREFIX, Pattern.PREFIXED),
        Rule(name, Operation.READ, Resource.GROUP, groups, Pattern.PREFIXED),
        # A finished replay removes its group.
        Rule(name, Operation.DELETE, Resource.GROUP, groups, Pattern.PREFIXED),
    }


def _observers() -> set[Rule]:
    """`observer` and the bridge look at brokers, offsets and groups, and change nothing."""
    shared = {
        Rule(user, Operation.DESCRIBE, resource, name, pattern)
        for user in (OBSERVER, "bridge")
        for resource, name, pattern in (
            (Resource.CLUSTER, "kafka-cluster", Pattern.LITERAL),
            (Resource.GROUP, PREFIX, Pattern.PREFIXED),
        )
    }
    return shared | {
        Rule(OBSERVER, Operation.READ, Resource.TOPIC, PREFIX, Pattern.PREFIXED),
        Rule(OBSERVER, Operation.READ, Resource.GROUP, f"{OBSERVER}.", Pattern.PREFIXED),
    }


def _topic(owned: OwnedTopic) -> Topic:
    return Topic(owned.name, owned.partitions, owned.replication, owned.config)


async def _provide(admin: Admin, wanted: Sequence[Topic]) -> None:
    present = await admin.topics()
    known = [topic for topic in wanted if topic.name in present]
    configs = await admin.config(topic.name for topic in known) if known else {}
    for topic in known:
        there = present[topic.name]
        _require_equal(topic, there.partitions, there.replication, configs[topic.name])
    missing = [topic for topic in wanted if topic.name not in present]
    if missing:
        await admin.create_topics(missing)


def _require_equal(topic: Topic, partitions: int, replication: int, config: dict[str, str]) -> None:
    compared = {
        "partitions": (topic.partitions, partitions),
        "replication": (topic.replication, replication),
        **{key: (value, config.get(key)) for key, value in topic.config.items()},
    }
    differing = [
        f"{what}: wanted {wanted}, found {found}"
        for what, (wanted, found) in compared.items()
        if wanted != found
    ]
    if differing:
        raise StackError(
            Code.TOPIC_MISMATCH,
            f"the topic {topic.name} is not as the protos say",
            "causeway down --wipe   (loses local data; elsewhere move the events by hand)",
            detail="\n".join(differing),
        )


async def _permit(admin: Admin, wanted: set[Rule]) -> None:
    present = await admin.rules()
    await admin.allow(wanted - present)
    # What an earlier version allowed and this one does not. A guest's rules are `adopt`'s.
    old = present - wanted
    await admin.withdraw(rule for rule in old if rule.user != GUEST)
