"""`causeway compile`"""

from typing import Annotated

import typer

Check = Annotated[bool, typer.Option("--check", help="Write nothing; fail when a file differs.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Write and change nothing; say what would change.")
]
Apply = Annotated[bool, typer.Option(help="Bring the platform that runs into line as well.")]
Restart = Annotated[
    bool, typer.Option(help="Replace services that run with other protos, replica by replica.")
]
Drain = Annotated[
    float, typer.Option(min=0, help="Seconds for calls that are open on a replaced replica.")
]


def compile(  # noqa: A001 (the name of the command)
    *,
    check: Check = False,
    dry_run: DryRun = False,
    apply: Apply = True,
    restart: Restart = True,
    drain: Drain = 300.0,
) -> None:
    """Derive the edge, the realm, the topics and the schemas from the protos, and make them live.

    Writes the generated modules, envoy/generated/ and gateway/generated/, which are committed.
    If the platform runs: schemas, topics, realm and edge are brought into line, in this order, with
    no call lost. What Envoy or the registry refuses changes nothing.
    Example: causeway compile --dry-run
    """
    from stack import compiling
    from stack.generated import modules_aside

    if check:
        compiling.check()
        return
    with compiling.alone(), modules_aside() as fresh:
        descriptors, model = compiling.read(fresh)
        compiling.compile_files(fresh, model, dry_run=dry_run)
        if apply:
            import anyio

            anyio.run(compiling.make_live, descriptors, model, dry_run, restart, drain)
