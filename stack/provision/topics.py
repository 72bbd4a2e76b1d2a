"""Topics and access rules: what the gateway compiled, made true in the cluster."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from bridge.kafka.admin import Admin, Operation, Pattern, Resource, Rule, Topic, open_admin
from bridge.kafka.cluster import describe
from bridge.kafka.settings import KafkaSettings
from gateway.topics import Topic as OwnedTopic
from gateway.topics import event_topic
from stack.credentials import GUEST, SERVICES
from stack.errors import Code, StackError
from stack.provision.change import Change, carry_out, told

PREFIX = "causeway."
OBSERVER = "observer"


async def provision_topics(settings: KafkaSettings, wanted: Sequence[OwnedTopic]) -> None:
    """Bring topics and access rules into line: see `plan_topics` and `plan_rules`.

    `settings` must name a super user.
    """
    async with open_admin(settings) as admin:
        changes = await plan_topics(settings, admin, wanted)
        await carry_out([*changes, *await plan_rules(admin, rules(wanted))])


async def provision_guest_topics(
    settings: KafkaSettings, names: Sequence[str], wanted: set[Rule]
) -> None:
    """Create a guest's topics like the platform's own, and add its access rules."""
    async with open_admin(settings) as admin:
        owned = [event_topic(name, ()) for name in names]
        await carry_out(await plan_topics(settings, admin, owned))
        await admin.allow(wanted - await admin.rules())


async def plan_topics(
    settings: KafkaSettings, admin: Admin, wanted: Sequence[OwnedTopic]
) -> list[Change]:
    """Find topics that are missing, have too few partitions, or other settings. None is removed.

    Raises StackError TOPIC_MISMATCH before anything is changed where a person has to decide:
    other replication, partitions to be taken away, or added where events are stored already,
    which would break the order of their keys.
    """
    present = await admin.topics()
    there = [(topic, present[topic.name]) for topic in wanted if topic.name in present]
    small = [topic.name for topic, found in there if found.partitions < topic.partitions]
    written = await _written(settings, small) if small else set()
    for topic, found in there:
        _require_changeable(topic, found, holds_events=topic.name in written)
    missing = [topic for topic in wanted if topic.name not in present]
    configs = await admin.config(topic.name for topic, _ in there) if there else {}
    return [
        *(_creation(admin, topic) for topic in missing),
        *(_growth(admin, topic, found) for topic, found in there if topic.name in small),
        *(c for topic, _ in there for c in _settings(admin, topic, configs[topic.name])),
    ]


async def plan_rules(admin: Admin, wanted: set[Rule]) -> list[Change]:
    """Find access rules to be added, and those that nobody declares any more.

    A guest's rules are `adopt`'s.
    """
    present = await admin.rules()
    old = {rule for rule in present - wanted if rule.user != GUEST}
    return [
        *(Change(f"new rule: {_words(r)}", partial(admin.allow, [r])) for r in wanted - present),
        *(Change(f"rule removed: {_words(r)}", partial(admin.withdraw, [r])) for r in old),
    ]


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


def _creation(admin: Admin, topic: OwnedTopic) -> Change:
    made = Topic(topic.name, topic.partitions, topic.replication, topic.config)
    return Change(f"new topic {topic.name}", partial(admin.create_topics, [made]))


def _growth(admin: Admin, topic: OwnedTopic, found: Topic) -> Change:
    words = f"topic {topic.name}: partitions {found.partitions} → {topic.partitions}"
    return Change(words, partial(admin.grow, topic.name, topic.partitions))


def _settings(admin: Admin, topic: OwnedTopic, config: dict[str, str]) -> Iterator[Change]:
    other = {key: value for key, value in topic.config.items() if config.get(key) != value}
    if other:
        words = f"topic {topic.name}: {told(other, config)}"
        yield Change(words, partial(admin.configure, topic.name, other))


async def _written(settings: KafkaSettings, names: Sequence[str]) -> set[str]:
    """The topics among `names` that hold or held a record, or may: an unknown end counts."""
    cluster = await describe(settings)
    return {one.topic for one in cluster.partitions if one.topic in names and one.end != 0}


def _require_changeable(topic: OwnedTopic, found: Topic, *, holds_events: bool) -> None:
    fixed = found.partitions > topic.partitions or holds_events
    compared = (
        ("partitions", topic.partitions, found.partitions, fixed),
        ("replication", topic.replication, found.replication, True),
    )
    differing = [
        f"{what}: wanted {wanted}, found {there}"
        for what, wanted, there, matters in compared
        if matters and wanted != there
    ]
    if differing:
        raise StackError(
            Code.TOPIC_MISMATCH,
            f"the topic {topic.name} is not as the protos say",
            "causeway down --wipe   (loses local data; elsewhere move the events by hand)",
            detail="\n".join(differing),
        )


def _words(rule: Rule) -> str:
    star = "*" if rule.pattern is Pattern.PREFIXED else ""
    operation, resource = rule.operation.name.lower(), rule.resource.name.lower()
    return f"{rule.user} may {operation} {resource} {rule.name}{star}"
