"""The event types a process knows, read from the `event` option of generated messages."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.message import Message

from bridge.errors import Internal, InvalidArgument
from bridge.events.upcasting import NO_UPCASTERS, Upcasters
from causeway.options.v1 import options_pb2


@dataclass(frozen=True, slots=True)
class EventType:
    """What the protos say about one event."""

    name: str
    """Full name of the message."""
    message: type[Message]
    topic: str
    key: tuple[str, ...]
    """Path of the field that holds the partition key."""
    stream: str
    """Aggregate type: the first part of the stream's name."""
    subject: str
    """Registry subject: topic + "-" + name (TopicRecordNameStrategy)."""
    indexes: tuple[int, ...]
    """Path of the message within its file, as the Confluent wire format counts."""
    proto_file: str
    """Path from the proto root."""
    publish_roles: tuple[str, ...] = ()
    subscribe_roles: tuple[str, ...] = ()

    def key_of(self, message: Message) -> str:
        """Read the partition key; InvalidArgument if it is empty."""
        value: object = message
        for part in self.key:
            value = getattr(value, part)
        key = str(value)
        if not key:
            raise InvalidArgument(
                f"{self.name} has an empty {'.'.join(self.key)}: without a key there is no order",
                reason="EMPTY_KEY",
                metadata={"type": self.name},
            )
        return key

    def stream_of(self, message: Message) -> str:
        """Give the name of the stream that `message` belongs to, `orders/{id}`."""
        return f"{self.stream}/{self.key_of(message)}"


class Catalog:
    """Event types by full name, and how old ones are read. Immutable; cheap to share."""

    def __init__(self, types: Mapping[str, EventType], upcasters: Upcasters = NO_UPCASTERS) -> None:
        """Internal if an upcaster leaves these types, or would move events to another topic."""
        self._types = dict(types)
        self._upcasters = upcasters
        for older, newer in upcasters:
            _check_upcaster(self[older], self[newer])

    @classmethod
    def of(cls, *modules: ModuleType, upcasters: Upcasters = NO_UPCASTERS) -> "Catalog":
        """Read the generated modules (`…events_pb2`): each top-level message is an event."""
        found: dict[str, EventType] = {}
        for module in modules:
            file: FileDescriptor = module.DESCRIPTOR
            for descriptor in file.message_types_by_name.values():
                found[descriptor.full_name] = _read(descriptor)
        return cls(found, upcasters)

    def __getitem__(self, full_name: str) -> EventType:
        try:
            return self._types[full_name]
        except KeyError:
            raise Internal(f"{full_name} is not an event of this catalog") from None

    def get(self, full_name: str) -> EventType | None:
        """Look a type up; None if this process does not know it."""
        return self._types.get(full_name)

    def type_of(self, message: Message) -> EventType:
        """Give the type of a message; Internal if it is no event of this catalog."""
        return self[message.DESCRIPTOR.full_name]

    def upcast(self, message: Message) -> Message:
        """Bring a message that was stored up to date: the newest type that its upcasters give."""
        return self._upcasters(message)

    def newest(self, full_name: str) -> str:
        """Give the type that a stored message of this type has once it is read; often its own."""
        return self._upcasters.newest(full_name)

    def stored_as(self, full_names: Iterable[str]) -> frozenset[str]:
        """Give the types under which events may be stored that are read as one of these."""
        return frozenset(one for name in full_names for one in (name, *self._upcasters.older(name)))

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._types.values())

    def topics(self) -> tuple[str, ...]:
        """List the topics of all types, sorted, each once."""
        return tuple(sorted({event_type.topic for event_type in self}))


def _read(descriptor: Descriptor) -> EventType:
    options = descriptor.GetOptions()
    if not options.HasExtension(options_pb2.event):
        raise Internal(f"{descriptor.full_name} has no (causeway.options.v1.event) option")
    said = options.Extensions[options_pb2.event]
    path = tuple(said.key.split("."))
    _check_key(descriptor, path)
    return EventType(
        name=descriptor.full_name,
        message=message_factory.GetMessageClass(descriptor),
        topic=said.topic,
        key=path,
        stream=said.stream,
        subject=f"{said.topic}-{descriptor.full_name}",
        indexes=message_indexes(descriptor),
        proto_file=descriptor.file.name,
        publish_roles=tuple(said.publish_roles),
        subscribe_roles=tuple(said.subscribe_roles),
    )


def _check_upcaster(older: EventType, newer: EventType) -> None:
    """Refuse an upcaster between topics or streams: the order per key would be lost."""
    if (older.topic, older.stream) != (newer.topic, newer.stream):
        raise Internal(f"{older.name} can't become {newer.name}: its topic or stream is another")


def _check_key(descriptor: Descriptor, path: tuple[str, ...]) -> None:
    """Refuse a key path that does not end in one scalar: it would fail at the first append."""
    holder: Descriptor | None = descriptor
    field = None
    for part in path:
        field = holder.fields_by_name.get(part) if holder is not None else None
        if field is None or field.is_repeated:
            break
        holder = field.message_type
    if field is None or field.is_repeated or field.message_type is not None:
        raise Internal(f"{descriptor.full_name}: key {'.'.join(path)} is not a scalar field")


def message_indexes(descriptor: Descriptor) -> tuple[int, ...]:
    """Give the path to a message in its file: index among the top-level ones, then nested."""
    outer = descriptor.containing_type
    if outer is None:
        siblings = list(descriptor.file.message_types_by_name)
        return (siblings.index(descriptor.name),)
    names = [nested.name for nested in outer.nested_types]
    return (*message_indexes(outer), names.index(descriptor.name))
