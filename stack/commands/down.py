"""`causeway down`"""

from typing import Annotated

import typer


def down(
    *, wipe: Annotated[bool, typer.Option("--wipe", help="Remove all data as well.")] = False
) -> None:
    """Stop the platform of this state, and what a crash left of it.

    Example: causeway down --wipe
    """
    from stack.console import say
    from stack.settings import load_settings
    from stack.shutdown import shut_down

    state = load_settings().state
    say(shut_down(state, remove=wipe))
    if wipe:
        say(f"removed {state}")
