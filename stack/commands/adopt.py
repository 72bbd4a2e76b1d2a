"""`causeway adopt`"""

from pathlib import Path
from typing import Annotated

import typer


def adopt(
    name: Annotated[str, typer.Argument(help="The service: its database's and roles' name.")],
    modules: Annotated[
        list[str], typer.Argument(help="Generated modules with its events, e.g. payments_pb2.")
    ],
    *,
    migrations: Annotated[
        list[Path] | None,
        typer.Option(help="A folder with .sql files of its own tables, in pogo's format."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Make a place on the running platform for a service outside this repository.

    Its database with the bridge's tables, its topics, access rules and schemas; prints the
    settings of its processes as lines for a shell. Repeat it when the events change.

    Example: eval "$(causeway adopt payments payments_pb2)"
    """
    from functools import partial

    import anyio

    from stack.addresses import exports
    from stack.console import say, say_json
    from stack.credentials import load_credentials
    from stack.modules import load_modules
    from stack.provision import guests
    from stack.running import running_settings

    guests.check_name(name)
    settings, _ = running_settings()
    catalog = guests.read_events(load_modules(modules))
    credentials = load_credentials(settings.state, guests.guest_credentials(name))
    folders = [folder.absolute() for folder in migrations or []]
    anyio.run(partial(guests.provision_guest, settings, credentials, name, catalog, folders))
    values = guests.guest_environment(settings, credentials, name)
    if as_json:
        say_json(values)
    else:
        say(exports(values))
