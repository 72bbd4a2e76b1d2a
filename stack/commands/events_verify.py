"""`causeway events verify`"""

from typing import Annotated

import typer

from stack.commands.options import AsJson

Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="SERVICE", help="Whose stores; all of them if none."),
]


def verify(services: Services = None, *, as_json: AsJson = False) -> None:
    """Check that nobody changed history: each store against its seals, the heads of its chain on
    Kafka, and the log.

    Reads the databases and Kafka directly, not through the API. Exits with 1 if it finds
    anything. May run while the platform works; 1,000,000 events take some minutes.

    Example: causeway events verify orders
    """
    import anyio

    from stack.audit.history import as_json as json_of
    from stack.audit.history import checked, report_text
    from stack.console import say, say_json

    reports = anyio.run(checked, services or [])
    if as_json:
        say_json([json_of(report) for report in reports])
    else:
        for report in reports:
            say(report_text(report))
    if not all(report.clean for report in reports):
        raise typer.Exit(1)
