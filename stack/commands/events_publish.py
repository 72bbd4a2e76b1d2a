"""`causeway events publish`"""

from typing import Annotated

import typer

from stack.commands.options import AsJson, Password

Type = Annotated[str, typer.Argument(metavar="TYPE", help="E.g. StockAdjusted.")]
Data = Annotated[str, typer.Argument(metavar="DATA", help="The event's fields as JSON.")]
Source = Annotated[str, typer.Option(help="Who publishes: a path or a URI of your own.")]
Id = Annotated[str, typer.Option("--id", help="The same source and id are the same event.")]
Publisher = Annotated[str, typer.Option("--as", help="Who asks: needs the role publisher.")]


def publish(
    type_: Type,
    data: Data,
    *,
    source: Source = "/causeway-cli",
    id_: Id = "",
    as_json: AsJson = False,
    user: Publisher = "paul",
    password: Password = None,
) -> None:
    """Publish an event from outside, and show it as it is stored.

    Only types with `publish_roles` can be: the others are their services' own.

    Example: causeway events publish StockAdjusted '{"sku": "book", "delta": 5}' --id receipt-1
    """
    import anyio

    from stack.audit.event_text import as_json as json_of
    from stack.audit.event_text import event_text
    from stack.audit.publishing import event_of, published
    from stack.console import say, say_json

    found = anyio.run(published, event_of(type_, data, source, id_), user, password)
    if as_json:
        say_json(json_of(found))
    else:
        say(event_text(found))
