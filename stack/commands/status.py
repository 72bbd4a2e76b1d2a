"""`causeway status`"""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.kafka.cluster import Partition
    from stack.backlog import Waiting


def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False
) -> None:
    """Ask every process in its own protocol, Kafka for leaders and replicas, stores for what waits.

    Exits with 1 when something is down or unknown; parked events are a warning.
    Example: causeway status --json
    """
    from dataclasses import asdict

    import anyio

    from stack import backlog
    from stack.console import say, say_json
    from stack.health import Seen, look
    from stack.partitions import as_json_row, partitions
    from stack.running import running_platform
    from stack.status_text import status_text

    platform, record = running_platform()

    async def ask() -> "tuple[list[Seen], tuple[list[Partition], str], tuple[list[Waiting], str]]":
        return (
            await look(platform.components, record),
            await partitions(platform),
            await backlog.waiting(platform),
        )

    seen, (rows, unknown), (waiting, unasked) = anyio.run(ask)
    if as_json:
        say_json(
            {
                "phase": record.phase,
                "state": str(platform.settings.state),
                "supervisor": record.supervisor.pid,
                "components": [asdict(one) for one in seen],
                "partitions": [as_json_row(row) for row in rows],
                "partitions_error": unknown or None,
                "waiting": [backlog.as_json_row(row) for row in waiting],
                "waiting_error": unasked or None,
            }
        )
    else:
        say(status_text(record, seen, rows, unknown))
        if warnings := backlog.text(waiting, unasked):
            say(f"\n{warnings}")
    if unknown or unasked or not all(one.up for one in seen):
        raise typer.Exit(1)
