"""`causeway env`"""

from typing import Annotated

import typer


def env(
    *, as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False
) -> None:
    """Print where the parts are, as lines for a shell.

    Example: eval "$(causeway env)"
    """
    from stack.addresses import exports
    from stack.console import say, say_json
    from stack.credentials import load_credentials
    from stack.environment import shell_environment
    from stack.running import running_settings

    settings, _ = running_settings()
    values = shell_environment(settings, load_credentials(settings.state))
    if as_json:
        say_json(values)
    else:
        say(exports(values))
