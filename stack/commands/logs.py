"""`causeway logs`"""

from typing import Annotated

import typer


def logs(
    name: Annotated[str, typer.Argument(help="A process or task; `orders` means all of Orders.")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="So many last lines.")] = 100,
) -> None:
    """Print the log of a part, also of one that is down.

    Example: causeway logs orders-worker -f
    """
    from stack.logreader import follow_logs, last_lines, logs_of
    from stack.settings import load_settings

    files = logs_of(load_settings().logs, name)
    last_lines(files, lines)
    if follow:
        follow_logs(files)
