"""The `causeway` program: a table of commands; each is a small file in `stack/commands/`.

Commands import what they need when they run, so that `causeway --help` and a completion are
quick. Exit codes: 0 ok, 1 failed, 2 wrong usage.
"""

import logging
import os
import sys

import typer

from stack.commands.adopt import adopt
from stack.commands.call import call
from stack.commands.check import check
from stack.commands.compile import compile  # noqa: A004 (the name of the command)
from stack.commands.deadletters import deadletters
from stack.commands.down import down
from stack.commands.env import env
from stack.commands.events import events
from stack.commands.explain import explain
from stack.commands.logs import logs
from stack.commands.replay import replay
from stack.commands.restart import restart
from stack.commands.scale import scale
from stack.commands.schemas import schemas
from stack.commands.status import status
from stack.commands.token import token
from stack.commands.tour import tour
from stack.commands.up import up
from stack.console import complain
from stack.errors import StackError
from stack.loopback import direct

COMMANDS = (
    up,
    status,
    logs,
    env,
    token,
    call,
    tour,
    adopt,
    scale,
    restart,
    down,
    explain,
    compile,
    check,
)
GROUPS = (events, deadletters, replay, schemas)


def program() -> typer.Typer:
    """The program with all its commands."""
    app = typer.Typer(
        name="causeway",
        help="gRPC services on Kafka, from .proto files and handlers.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for command in COMMANDS:
        app.command(name=command.__name__)(command)
    for group in GROUPS:
        app.add_typer(group)
    return app


def main() -> None:
    """Run a command; an error is a code, its cause and the next command, never a traceback."""
    os.environ.update(direct(os.environ))
    # What libraries log is not for the terminal; `up` sends it to a file.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        program()()
    except StackError as error:
        complain(error)
        sys.exit(2 if error.usage else 1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has left; there is nobody to tell
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from stack.crash import unexpected

        complain(unexpected(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
