"""`causeway events list|show|trace|follow|publish|verify`"""

from typing import Annotated

import typer

from stack.commands.events_follow import follow
from stack.commands.events_publish import publish
from stack.commands.events_verify import verify
from stack.commands.options import AsJson, Auditor, Limit, Password, Since, Until

events = typer.Typer(
    name="events",
    help="Events: find them, see what became of each, and publish from outside."
    "\n\nExample: causeway events list --since 15m",
    no_args_is_help=True,
)

events.command()(follow)
events.command()(publish)
events.command()(verify)

EventId = Annotated[str, typer.Argument(metavar="ID", help="Of the event; `events/ID` will do.")]


@events.command("list")
def list_(
    *,
    source: Annotated[str, typer.Option(help="Only of this service, e.g. orders.")] = "",
    subject: Annotated[str, typer.Option(help="Only about this, e.g. orders/ID.")] = "",
    type_: Annotated[
        str, typer.Option("--type", help="Only of this type, e.g. OrderCreated.")
    ] = "",
    correlation: Annotated[str, typer.Option(help="Only what followed from one request.")] = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    user: Auditor = "ada",
    password: Password = None,
) -> None:
    """List events, oldest first.

    Of events that are being written meanwhile, one may be left out: it is there when you ask again.

    Example: causeway events list --type OrderCreated --since 1h
    """
    import sys

    import anyio

    from stack.audit.event_text import as_json as json_of
    from stack.audit.event_text import events_text
    from stack.audit.events import listed, wanted
    from stack.console import say, say_json

    request = wanted(source, subject, type_, correlation, since, until)
    found, more = anyio.run(listed, request, limit, user, password)
    if as_json:
        say_json([json_of(event) for event in found])
    else:
        say(events_text(found))
    if more:
        sys.stderr.write(f"there are more than {limit}: --limit {limit * 10}, or a later --since\n")


@events.command()
def show(
    event: EventId, *, as_json: AsJson = False, user: Auditor = "ada", password: Password = None
) -> None:
    """Show one event with its data.

    Example: causeway events show 01a20a17-e0fd-769a-ad67-3280078c5b87
    """
    import anyio

    from stack.audit.event_text import as_json as json_of
    from stack.audit.event_text import event_text
    from stack.audit.events import shown
    from stack.console import say, say_json

    found = anyio.run(shown, event, user, password)
    if as_json:
        say_json(json_of(found))
    else:
        say(event_text(found))


@events.command()
def trace(
    event: EventId, *, as_json: AsJson = False, user: Auditor = "ada", password: Password = None
) -> None:
    """Draw what became of an event: who began it, its place on Kafka, each consumer's outcome with
    its attempts, mails, and the events that it caused.

    Example: causeway events trace 01a20a17-e0fd-769a-ad67-3280078c5b87
    """
    import anyio

    from stack.audit.event_text import as_json as json_of
    from stack.audit.events import traced
    from stack.audit.trace_text import trace_text
    from stack.console import say, say_json

    found = anyio.run(traced, event, user, password)
    if as_json:
        say_json(json_of(found))
    else:
        say(trace_text(found))
