"""`causeway compile`"""

import sys
from typing import Annotated

import typer


def compile(  # noqa: A001 (the name of the command)
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when a file differs.")
    ] = False,
) -> None:
    """Derive the edge, the realm, the topics and the subjects from the protos.

    Writes envoy/generated/ and gateway/generated/, which are committed: the deployment of
    docker-compose.yml. Example: causeway compile --check
    """
    from gateway.compile import differences, outputs, write
    from gateway.deployments import container
    from gateway.descriptors import load
    from gateway.errors import ModelError
    from gateway.reading import read_model
    from stack.console import say
    from stack.provision.people import local_people

    try:
        model = read_model(load())
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from None
    wanted = outputs(model, container(), local_people())
    if not check:
        changed = write(wanted)
        say("\n".join(f"wrote {path}" for path in changed) or "everything was up to date")
        return
    if differing := differences(wanted):
        sys.stderr.writelines(f"differs: {path}\n" for path in differing)
        sys.stderr.write("next: causeway compile\n")
        raise typer.Exit(1)
    say(f"{len(wanted)} files are what the protos say")
