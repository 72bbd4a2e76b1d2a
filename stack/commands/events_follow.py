"""`causeway events follow`"""

from typing import TYPE_CHECKING, Annotated

import typer

from stack.commands.options import Password, Since

if TYPE_CHECKING:
    from causeway.bridge.v1.event_service_pb2 import SubscribeEventsRequest

Types = Annotated[
    list[str] | None, typer.Option("--type", help="Only of this type, e.g. OrderCreated; repeat.")
]
Keys = Annotated[
    list[str] | None, typer.Option("--key", help="Only of this key, e.g. an order's id; repeat.")
]
First = Annotated[bool, typer.Option("--first", help="From the first event on.")]
Most = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="End after so many.")]
Lines = Annotated[bool, typer.Option("--json", help="A line of JSON an event.")]
Subscriber = Annotated[
    str, typer.Option("--as", help="Who asks: an auditor, or who has a type's subscribe_roles.")
]


def follow(
    *,
    type_: Types = None,
    key: Keys = None,
    since: Since = None,
    first: First = False,
    limit: Most = None,
    as_json: Lines = False,
    user: Subscriber = "ada",
    password: Password = None,
) -> None:
    """Show events as they are written, from now on unless told otherwise, until Ctrl-C.

    Example: causeway events follow --type OrderCreated --since 10m
    """
    import anyio

    from stack.audit.following import subscription

    request = subscription(type_ or (), key or (), since, first=first)
    anyio.run(_show, request, limit, user, password, as_json)


async def _show(
    request: "SubscribeEventsRequest",
    limit: int | None,
    user: str,
    password: str | None,
    as_json: bool,
) -> None:
    import json

    from stack.audit.event_text import as_json as json_of
    from stack.audit.event_text import line_of
    from stack.audit.following import followed
    from stack.console import say

    async for event in followed(request, limit, user, password):
        say(json.dumps(json_of(event), ensure_ascii=False) if as_json else line_of(event))
