"""`causeway up`"""

from typing import Annotated

import typer


def up(
    *,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready; `down` stops it.")
    ] = False,
    scale: Annotated[
        list[str] | None, typer.Option(help="Replicas of a service, e.g. orders=2; repeatable.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only these parts and what they need, e.g. postgres,kafka."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing.")] = False,
    background: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start everything, print where it is, and stay until Ctrl-C.

    Example: causeway up --scale orders=2
    """
    from functools import partial

    import anyio

    from stack.choices import parse_choices
    from stack.console import say
    from stack.launch import launch
    from stack.receipt import print_receipt
    from stack.settings import load_settings

    choices = parse_choices(scale or [], only or [])
    settings = load_settings()
    if detach:
        from stack.detached import launch_detached

        launch_detached(settings, choices, offline=offline)
        return
    receipt = partial(print_receipt, background=background)
    anyio.run(partial(launch, settings, choices, offline=offline, say=say, when_ready=receipt))
    say(f"everything is stopped; the data is in {settings.state}")
