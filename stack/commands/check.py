"""`causeway check`"""

from typing import Annotated

import typer

from stack.commands.options import AsJson


def check(
    *,
    static: Annotated[
        bool, typer.Option("--static", help="Only read configurations; needs no platform.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Only call the running platform.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prove that nothing is open: the edge and the services let in whom the protos name, no more.

    Static: every method, REST binding, route and rule of the committed configuration, and of the
    edge that runs if one does. Live: every method by every kind of caller on every way to it,
    through the edge and past it, with requests that change nothing. Exits with 1 and one line for
    each difference. Example: causeway check --static
    """
    from stack.console import say, say_json
    from stack.proof import checking, text

    tell = (lambda _: None) if as_json else say
    verdicts = [] if live and not static else checking.static_verdicts()
    for verdict in verdicts:
        for line in text.static_lines(verdict):
            tell(line)
    outcome = None
    if live or not static:
        tell("live: logging everybody in, and waiting until one token is over")
        outcome = checking.live_outcome(text.progress_lines(tell))
        for line in text.live_lines(outcome):
            tell(line)
    if as_json:
        say_json(text.as_json(verdicts, outcome))
    if not text.proven(verdicts, outcome):
        raise typer.Exit(1)
