"""Options that several commands share."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Password = Annotated[
    str | None, typer.Option(help="The local users' is causeway-<name>, the default.")
]
Auditor = Annotated[str, typer.Option("--as", help="Who asks: needs the role auditor.")]
Admin = Annotated[str, typer.Option("--as", help="Who asks: needs the role admin.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="So many at most.")]
Since = Annotated[
    str | None, typer.Option(help="From then on: 15m, 2h, 3d ago, or 2026-11-26T09:00:00Z.")
]
Until = Annotated[str | None, typer.Option(help="Before then, written as for --since.")]
