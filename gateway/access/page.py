"""The access matrix as a page of Markdown."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from gateway.access.matrix import (
    EXCEPTIONS,
    REFLECTION,
    Call,
    Exempt,
    Topic,
    calls,
    including,
    topics,
)
from gateway.model import Model, Owner, Streaming

_HEAD = """\
# Access

Written by `causeway compile` from the protos; `docs/access.json` has the same as data. What is not
here is denied.

- A role in brackets includes one before it, so its holders may call too.
- **self**: the caller whom the field names. **owner**: whom the field names as owner, or of whose
  resource the handler knows; to a stranger it does not exist (`NOT_FOUND`).
- Limits are for one caller; for one address where a method is public. Sizes are those of the
  protobuf message, in bytes; times are seconds.
- What may be repeated, the edge sends to another replica when one is lost.
"""
_METHODS = ("method", "REST", "who", "limit", "size", "time", "repeat", "stream")
_TOPICS = ("topic", "written by", "event", "key", "published by", "subscribed by")


def page(model: Model) -> str:
    """The text of docs/access.md."""
    roles = [(f"`{r.name}`", _codes(r.includes), r.description) for r in model.roles]
    return "\n".join(
        [
            _HEAD,
            "## Roles\n",
            *_table(("role", "includes", "for"), roles),
            *_services(model),
            "\n## Without a token\n",
            *_table(("path", "verbs", "answers"), (_exempt(one) for one in EXCEPTIONS)),
            "\n## Reflection\n",
            "Any caller of the local platform; elsewhere the roles that the deployment names:\n",
            *(f"- `{path}`" for path in REFLECTION),
            "\n## Events\n",
            "Services write their own topics. From outside, an event is published and subscribed",
            "through `EventService`, by the roles of its type; those who may call",
            "`SubscribeEvents` by role read every type.\n",
            *_table(_TOPICS, (row for topic in topics(model) for row in _events(model, topic))),
            "",
        ]
    )


def _services(model: Model) -> Iterator[str]:
    for service, found in groupby(calls(model), lambda call: call.method.service):
        yield f"\n## {service}\n"
        yield from _table(_METHODS, (_method(call) for call in found))


def _method(call: Call) -> tuple[str, ...]:
    method, limit = call.method, call.method.access.rate_limit
    return (
        f"`{method.name}`",
        "<br>".join(f"`{one.verb} {one.path}`" for one in method.bindings) or "gRPC only",
        _who(call),
        f"{limit.requests} in {limit.interval:g} s" if limit else "",
        str(call.max_request_bytes),
        f"{call.timeout:g}",
        "yes" if method.idempotency.repeatable else "",
        "" if method.streaming is Streaming.UNARY else method.streaming.value,
    )


def _who(call: Call) -> str:
    access = call.method.access
    if access.public:
        return "**everybody**"
    names = [_codes(access.roles)] if access.roles else []
    if call.including:
        names.append(f"({_codes(call.including)})")
    field = f" (`{access.owner_field}`)" if access.owner_field else ""
    owner = {Owner.NONE: "", Owner.SELF: f"**self**{field}"}.get(access.owner, f"**owner**{field}")
    return "; ".join(part for part in (" ".join(names), owner) if part)


def _exempt(one: Exempt) -> tuple[str, ...]:
    return f"`{one.path}`", one.verbs, one.what


def _events(model: Model, topic: Topic) -> Iterator[tuple[str, ...]]:
    for event in topic.events:
        yield (
            f"`{topic.name}`",
            topic.owner,
            f"`{event.name.rpartition('.')[2]}`",
            f"`{event.key}`",
            _with_including(model, event.publish_roles) or "its owner alone",
            _with_including(model, event.subscribe_roles),
        )


def _with_including(model: Model, roles: tuple[str, ...]) -> str:
    more = including(model, roles)
    return _codes(roles) + (f" ({_codes(more)})" if more else "")


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
