"""`causeway status`"""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.kafka.cluster import Partition


def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False
) -> None:
    """Ask every process in its own protocol, and Kafka for leaders and replicas.

    Exits with 1 when something is down or unknown. Example: causeway status --json
    """
    from dataclasses import asdict

    import anyio

    from stack.console import say, say_json
    from stack.health import Seen, look
    from stack.partitions import as_json_row, partitions
    from stack.running import running_platform
    from stack.status_text import status_text

    platform, record = running_platform()

    async def ask() -> "tuple[list[Seen], tuple[list[Partition], str]]":
        return await look(platform.components, record), await partitions(platform)

    seen, (rows, unknown) = anyio.run(ask)
    if as_json:
        say_json(
            {
                "phase": record.phase,
                "state": str(platform.settings.state),
                "supervisor": record.supervisor.pid,
                "components": [asdict(one) for one in seen],
                "partitions": [as_json_row(row) for row in rows],
                "partitions_error": unknown or None,
            }
        )
    else:
        say(status_text(record, seen, rows, unknown))
    if unknown or not all(one.up for one in seen):
        raise typer.Exit(1)
