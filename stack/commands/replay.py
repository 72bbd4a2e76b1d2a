"""`causeway replay start|status|list|cancel`"""

from enum import StrEnum
from typing import Annotated

import typer

from stack.commands.options import Admin, AsJson, Limit, Password, Since, Until

replay = typer.Typer(
    name="replay",
    help="Hand stored events to a consumer again: rebuild a projection, fill a new handler."
    "\n\nExample: causeway replay list",
    no_args_is_help=True,
)


class Mode(StrEnum):
    """What a replay is for."""

    REBUILD = "rebuild"
    BACKFILL = "backfill"
    REDELIVER = "redeliver"


class Origin(StrEnum):
    """Where the events are read."""

    STORE = "store"
    KAFKA = "kafka"


ReplayId = Annotated[str, typer.Argument(metavar="ID", help="Of the replay.")]


@replay.command()
def start(
    mode: Annotated[
        Mode,
        typer.Argument(
            help="rebuild: a projection anew, swapped in at the end. backfill: old events to a new"
            " handler. redeliver: chosen events once more."
        ),
    ],
    group: Annotated[str, typer.Option(help="The consumer group, e.g. causeway.orders.customers.")],
    *,
    subject: Annotated[str, typer.Option(help="Only events about this, e.g. orders/ID.")] = "",
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Only of this type; repeatable.")
    ] = None,
    since: Since = None,
    until: Until = None,
    first_position: Annotated[int, typer.Option(min=0, help="From this one in the store.")] = 0,
    last_position: Annotated[int, typer.Option(min=0, help="Up to this one, it included.")] = 0,
    origin: Annotated[Origin | None, typer.Option(help="Else the one that has them.")] = None,
    effect: Annotated[
        list[str] | None,
        typer.Option(help="May run again: email, webhook; repeatable. Without it nothing is sent."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Do not wait for its end.")
    ] = False,
    as_json: AsJson = False,
    user: Admin = "root",
    password: Password = None,
) -> None:
    """Start a replay and follow it to its end. Ctrl-C leaves it running.

    Example: causeway replay start rebuild --group causeway.orders.customers --dry-run
    """
    import anyio

    from stack.audit import replays
    from stack.audit.follow import follow, tell

    chosen = replays.Range(subject, type_ or [], since, until, first_position, last_position)
    wanted = replays.wanted(mode, group, origin or "", chosen, effect or [])
    if dry_run:
        tell(anyio.run(replays.planned, wanted, user, password), as_json=as_json)
        return
    made = anyio.run(replays.started, wanted, user, password)
    if detach:
        tell(made, as_json=as_json)
        return
    tell(follow(made, user, password), as_json=as_json)


@replay.command()
def status(
    replay_id: ReplayId,
    *,
    as_json: AsJson = False,
    user: Admin = "root",
    password: Password = None,
) -> None:
    """Show a replay and how far it is.

    Example: causeway replay status 01a20a17-e0fd-769a-ad67-3280078c5b87
    """
    import anyio

    from stack.audit import replays
    from stack.audit.follow import tell

    tell(anyio.run(replays.shown, replay_id, user, password), as_json=as_json)


@replay.command("list")
def list_(
    *, limit: Limit = 50, as_json: AsJson = False, user: Admin = "root", password: Password = None
) -> None:
    """List replays, newest first.

    Example: causeway replay list --json
    """
    import anyio

    from stack.audit import replays
    from stack.audit.event_text import as_json as json_of
    from stack.audit.replay_text import replays_text
    from stack.console import say, say_json

    found, _ = anyio.run(replays.listed, limit, user, password)
    if as_json:
        say_json([json_of(one) for one in found])
    else:
        say(replays_text(found))


@replay.command()
def cancel(
    replay_id: ReplayId,
    *,
    as_json: AsJson = False,
    user: Admin = "root",
    password: Password = None,
) -> None:
    """Ask a replay to stop; what it did stays, but for a rebuild, which leaves no trace.

    Example: causeway replay cancel 01a20a17-e0fd-769a-ad67-3280078c5b87
    """
    import anyio

    from stack.audit import replays
    from stack.audit.follow import tell

    tell(anyio.run(replays.cancelled, replay_id, user, password), as_json=as_json)
