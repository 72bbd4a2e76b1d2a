"""`causeway explain`"""

from typing import Annotated

import typer


def explain(
    code: Annotated[str | None, typer.Argument(help="An error code; none lists all.")] = None,
) -> None:
    """Say what an error code means and what to do.

    Example: causeway explain PORT_TAKEN
    """
    from stack.console import say
    from stack.pages import contents, page

    say(page(code) if code else contents())
