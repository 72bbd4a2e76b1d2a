"""The whole document."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway import descriptors
from gateway.access.matrix import including
from gateway.asyncapi import messages, seals
from gateway.jsonschema.known import Json
from gateway.jsonschema.messages import Schemas
from gateway.model import Event, Model
from gateway.topics import Topic, topics

VERSION = "3.0.0"
_TEXT = """\
Events of the platform on Kafka. A topic has one writer, the service that owns it; records of one
key are in order, and may come twice: keep their `ce_id`.

From outside there are two ways. Programs with an account of Kafka read the topics as they are
written here. All others subscribe with `causeway.bridge.v1.EventService/SubscribeEvents` (REST:
`GET /v1/events:subscribe`) and publish with `PublishEvent`; the roles of each type say who may.
"""
_AUDIT = "causeway.bridge.v1.EventService.SubscribeEvents"


def asyncapi(model: Model) -> Json:
    """AsyncAPI 3.0 of all topics. Brokers are the deployment's, so the document names none."""
    schemas = Schemas(descriptors.parse(model.descriptors), model.comments)
    found = [_Channel.of(topic, model) for topic in topics(model)]
    events = {e.name: messages.message(e, model, schemas) for e in model.events}
    return {
        "asyncapi": VERSION,
        "id": "urn:causeway",
        "info": {"title": "Causeway", "version": _versions(model), "description": _TEXT},
        "defaultContentType": "application/protobuf",
        "channels": {channel.topic.name: channel.channel() for channel in found},
        "operations": {
            name: operation for channel in found for name, operation in channel.operations(model)
        },
        "components": {
            "messages": events | {seals.NAME: seals.message()},
            "schemas": messages.texts(model) | schemas.components,
        },
    }


@dataclass(frozen=True, slots=True)
class _Channel:
    """A topic with its events; the seals have none."""

    topic: Topic
    events: tuple[Event, ...]

    @classmethod
    def of(cls, topic: Topic, model: Model) -> "_Channel":
        return cls(topic, tuple(e for e in model.events if e.topic == topic.name))

    @property
    def message_names(self) -> tuple[str, ...]:
        return tuple(e.name for e in self.events) or (seals.NAME,)

    def channel(self) -> Json:
        names = self.message_names
        return {
            "address": self.topic.name,
            "title": self.topic.name,
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            "bindings": {"kafka": self._binding()},
            "x-writers": list(self.topic.writers),
        }

    def operations(self, model: Model) -> Iterator[tuple[str, Json]]:
        """What each writer sends, and what who may read receives."""
        publishing = sorted({role for e in self.events for role in e.publish_roles})
        for writer in self.topic.writers:
            yield (
                f"{writer}.send.{self.topic.name}",
                self._operation("send")
                | {
                    "summary": f"{writer} writes what happened.",
                    "x-service": writer,
                    **_roles("x-publish-roles", publishing, model),
                },
            )
        reading = {role for e in self.events for role in e.subscribe_roles}
        auditing = {r for m in model.methods() if f"{m.service}.{m.name}" == _AUDIT
                    for r in m.access.roles} if self.events else set()  # fmt: skip
        yield (
            f"receive.{self.topic.name}",
            self._operation("receive")
            | {
                "summary": "Reads what happened, by Kafka's own rules or through the bridge.",
                **_roles("x-subscribe-roles", sorted(reading | auditing), model),
            },
        )

    def _operation(self, action: str) -> Json:
        channel = f"#/channels/{self.topic.name}"
        return {
            "action": action,
            "channel": {"$ref": channel},
            "messages": [{"$ref": f"{channel}/messages/{name}"} for name in self.message_names],
        }

    def _binding(self) -> Json:
        config = self.topic.config
        return {
            "topic": self.topic.name,
            "partitions": self.topic.partitions,
            "replicas": self.topic.replication,
            "topicConfiguration": {
                "cleanup.policy": [config["cleanup.policy"]],
                "retention.ms": int(config["retention.ms"]),
                "retention.bytes": int(config["retention.bytes"]),
            },
            "bindingVersion": messages.BINDING,
            "x-configuration": dict(config),
        }


def _roles(name: str, roles: list[str], model: Model) -> Json:
    return {name: roles, f"{name}-including": list(including(model, tuple(roles)))}


def _versions(model: Model) -> str:
    """The versions of the packages with events: "v1"."""
    return ", ".join(sorted({event.name.split(".")[2] for event in model.events}) or ["v1"])
