"""`causeway schemas list|register|check|release`"""

import sys
from os.path import relpath
from pathlib import Path
from typing import Annotated

import typer

schemas = typer.Typer(
    name="schemas",
    help="Schemas: what is registered, and whether a change of events or API is compatible."
    "\n\nExample: causeway schemas check",
    no_args_is_help=True,
)

Registry = Annotated[
    str | None,
    typer.Option(
        "--registry",
        help="Base of its Confluent API; else the running platform's.",
        metavar="URL",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
CorpusFolder = Annotated[
    Path | None, typer.Option("--corpus", help="Folder of the releases; else protos/corpus.")
]


@schemas.command("list")
def list_(*, registry: Registry = None, as_json: AsJson = False) -> None:
    """List the subjects: versions with their ids, compatibility, and which version this code is.

    Example: causeway schemas list --json
    """
    import anyio

    from stack import schemas as asked
    from stack.console import say, say_json

    found = anyio.run(asked.listed, asked.address(registry))
    if as_json:
        say_json(asked.rows(found))
    else:
        say(asked.listing_text(found))


@schemas.command()
def register(*, registry: Registry = None, as_json: AsJson = False) -> None:
    """Register this code's schemas: the step of a deployment before its processes start.

    Registers what is new, and says what that is. `causeway up` does it by itself.
    Example: causeway schemas register --registry http://127.0.0.1:8081/apis/ccompat/v7
    """
    import anyio

    from stack import schemas as asked
    from stack.console import say, say_json

    done = anyio.run(asked.register, asked.address(registry))
    if as_json:
        say_json(asked.registered_rows(done))
    else:
        say(asked.registered_text(done))


@schemas.command()
def check(
    *, registry: Registry = None, corpus: CorpusFolder = None, as_json: AsJson = False
) -> None:
    """Ask whether every event ever stored stays readable, and every released call answered.

    Exits with 1 at an incompatible change, and names the field and what to do. The registry is
    asked too: the one that is named, else the running platform's if it answers.
    Example: causeway schemas check
    """
    import anyio

    from stack import schemas as asked
    from stack.console import say, say_json
    from stack.generated import require_generated
    from stack.released_api import broken

    require_generated()
    folder = corpus or asked.CORPUS
    verdict = anyio.run(asked.judged, registry, folder)
    found = [*verdict.problems, *broken(folder)]
    if as_json:
        rows = asked.problem_rows(found)
        say_json({"registry": verdict.registry or None, "note": verdict.note, "problems": rows})
    elif not found:
        say(f"{asked.COMPATIBLE}\n{verdict.note}")
    else:
        sys.stderr.writelines(f"{problem}\n" for problem in found)
    if found:
        raise typer.Exit(1)


@schemas.command()
def release(*, corpus: CorpusFolder = None) -> None:
    """Add today's events to the corpus, and keep today's API: changes are held against them.

    Refuses while `check` fails, and where nothing changed. Example: causeway schemas release
    """
    from stack import schemas as asked
    from stack.console import say
    from stack.generated import require_generated
    from stack.release import add_release

    require_generated()
    found, written = add_release(corpus or asked.CORPUS)
    if found:
        sys.stderr.writelines(f"{problem}\n" for problem in found)
        raise typer.Exit(1)
    for path in written:
        say(f"wrote {relpath(path)}")
    if not written:
        say("nothing changed since the last release")
