"""`causeway compile`"""

from typing import Annotated

import typer


def compile(  # noqa: A001 (the name of the command)
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when a file differs.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write and change nothing; say what would change.")
    ] = False,
    apply: Annotated[
        bool, typer.Option(help="Bring the platform that runs into line as well.")
    ] = True,
    restart: Annotated[
        bool, typer.Option(help="Replace services that run with other protos, replica by replica.")
    ] = True,
    drain: Annotated[
        float, typer.Option(min=0, help="Seconds for calls that are open on a replaced replica.")
    ] = 300.0,
) -> None:
    """Derive the edge, the realm, the topics and the schemas from the protos, and make them live.

    Writes the generated modules, envoy/generated/ and gateway/generated/, which are committed.
    If the platform runs: schemas, topics, realm and edge are brought into line, in this order, with
    no call lost. What Envoy or the registry refuses changes nothing.
    Example: causeway compile --dry-run
    """
    import anyio
    from filelock import FileLock

    from stack import compiling
    from stack.generated import ROOT

    if check:
        compiling.check()
        return
    lock = ROOT / ".causeway" / "compile.lock"
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock):
        model = compiling.compile_files(dry_run=dry_run)
        if apply:
            anyio.run(compiling.make_live, model, dry_run, restart, drain)
