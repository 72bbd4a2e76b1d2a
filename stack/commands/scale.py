"""`causeway scale`"""

from typing import Annotated

import typer


def scale(
    replicas: Annotated[list[str], typer.Argument(help="Replicas of a service, e.g. orders=3.")],
    *,
    drain: Annotated[
        float, typer.Option(min=0, help="Seconds for calls that are open on a replica that goes.")
    ] = 300.0,
) -> None:
    """Change how many replicas a running service has, and lose no call.

    Until the next `up`, which has its own --scale. Example: causeway scale orders=3 users=2
    """
    import anyio

    from stack.choices import parse_choices
    from stack.console import say
    from stack.live.apply import scale_services
    from stack.running import running_settings

    wanted = parse_choices(replicas, [], "causeway scale").scale
    settings, _ = running_settings()
    anyio.run(scale_services, settings, wanted, drain, say)
