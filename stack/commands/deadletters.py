"""`causeway deadletters list|show|redrive|discard`"""

from typing import Annotated

import typer

from stack.commands.options import Admin, AsJson, Limit, Password

deadletters = typer.Typer(
    name="deadletters",
    help="Events that a consumer could not handle, and those that wait behind them."
    "\n\nExample: causeway deadletters list",
    no_args_is_help=True,
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="As `list` shows them: orders-17.")
]
Group = Annotated[str, typer.Option(help="Only of this consumer group.")]
Key = Annotated[str, typer.Option(help="Only of this key: the id of an aggregate.")]
Type = Annotated[str, typer.Option("--type", help="Only of this type, e.g. OrderCreated.")]
Reason = Annotated[str, typer.Option(help="Only with this reason, e.g. KEY_PARKED.")]

NONE_MATCHES = "no parked event matches; causeway deadletters list shows all"


@deadletters.command("list")
def list_(
    *,
    group: Group = "",
    key: Key = "",
    type_: Type = "",
    reason: Reason = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    user: Admin = "root",
    password: Password = None,
) -> None:
    """List parked events, those first that were parked first.

    Of events that are being parked meanwhile, one may be left out: it is there when you ask again.

    Example: causeway deadletters list --group causeway.users.credit
    """
    import sys

    import anyio

    from stack.audit.event_text import as_json as json_of
    from stack.audit.letter_text import letters_text
    from stack.audit.letters import chosen, listed
    from stack.console import say, say_json

    wanted = chosen([], group, key, type_, reason)
    found, more = anyio.run(listed, wanted, limit, user, password)
    if as_json:
        say_json([json_of(letter) for letter in found])
    else:
        say(letters_text(found) if found or not wanted.ListFields() else NONE_MATCHES)
    if more:
        sys.stderr.write(f"there are more than {limit}: --limit {limit * 10}\n")


@deadletters.command()
def show(
    name: Annotated[str, typer.Argument(help="As `list` shows it: orders-17.")],
    *,
    as_json: AsJson = False,
    user: Admin = "root",
    password: Password = None,
) -> None:
    """Show one parked event: why it failed and where, and the event.

    Example: causeway deadletters show users-17
    """
    import anyio

    from stack.audit.event_text import as_json as json_of
    from stack.audit.letter_text import letter_text
    from stack.audit.letters import shown
    from stack.console import say, say_json

    found = anyio.run(shown, name, user, password)
    if as_json:
        say_json(json_of(found))
    else:
        say(letter_text(found))


@deadletters.command()
def redrive(
    names: Names = None,
    *,
    group: Group = "",
    key: Key = "",
    type_: Type = "",
    reason: Reason = "",
    user: Admin = "root",
    password: Password = None,
) -> None:
    """Have parked events handled again now, each key in its order. All that you name must match.

    Example: causeway deadletters redrive --group causeway.users.credit
    """
    import anyio

    from stack.audit.letters import chosen, redriven, refuse_everything
    from stack.audit.words import counted
    from stack.console import say

    wanted = chosen(names or [], group, key, type_, reason)
    refuse_everything(wanted, "redrive")
    count = anyio.run(redriven, wanted, user, password)
    done = f"{counted(count)} to be handled again, and what waits behind; causeway deadletters list"
    say(done if count else NONE_MATCHES)


@deadletters.command()
def discard(
    names: Names = None,
    *,
    group: Group = "",
    key: Key = "",
    type_: Type = "",
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    user: Admin = "root",
    password: Password = None,
) -> None:
    """Give parked events up, so that their keys go on without them. All that you name must match.

    What was given up is kept, and `events trace` shows it. Example: causeway deadletters discard
    users-17
    """
    import anyio

    from stack.audit.letters import chosen, discarded, refuse_everything
    from stack.audit.words import counted
    from stack.console import say

    wanted = chosen(names or [], group, key, type_, reason)
    refuse_everything(wanted, "discard")
    if not yes:
        typer.confirm("They will never be handled. Go on?", abort=True, err=True)
    count = anyio.run(discarded, wanted, user, password)
    say(f"{counted(count)} given up; what waits behind goes on" if count else NONE_MATCHES)
