"""`causeway restart`"""

from typing import Annotated

import typer


def restart(
    services: Annotated[list[str], typer.Argument(help="orders, users, notifications or bridge.")],
    *,
    drain: Annotated[
        float, typer.Option(min=0, help="Seconds for calls that are open on a replaced replica.")
    ] = 300.0,
) -> None:
    """Replace the processes of services, one replica after the other, and lose no call.

    A new replica is ready and has its calls before an old one is let go. A start that fails ends
    it: the replicas that serve go on. Example: causeway restart orders users
    """
    import anyio

    from stack.choices import require_service
    from stack.console import say
    from stack.live.apply import restart_services
    from stack.running import running_settings

    for name in services:
        require_service(name, "causeway restart orders")
    settings, _ = running_settings()
    anyio.run(restart_services, settings, services, drain, say)
