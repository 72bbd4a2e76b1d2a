"""`causeway tour`"""

from typing import Annotated

import typer


def tour(
    *,
    limit: Annotated[
        float, typer.Option(min=1, help="Seconds until a hop counts as missing.")
    ] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Follow a fresh customer's order from the edge to its mail, hop by hop.

    Exits with 1, naming the hop, when one is missing. Example: causeway tour
    """
    import anyio

    from stack.console import say, say_json
    from stack.errors import Code, StackError
    from stack.tour.addresses import running_addresses
    from stack.tour.journey import Hop
    from stack.tour.text import hop_text, hops_json
    from stack.tour.walk import HopMissing, walk

    hops: list[Hop] = []

    async def follow() -> None:
        async for hop in walk(running_addresses(), limit):
            hops.append(hop)
            if not as_json:
                say(hop_text(hop))

    missing: HopMissing | None = None
    try:
        anyio.run(follow)
    except HopMissing as error:
        missing = error
    if as_json:
        say_json(hops_json(hops, missing.hop if missing else None))
    if missing is not None:
        raise StackError(
            Code.HOP_MISSING, f"no {missing.hop}: {missing}", "causeway status"
        ) from missing
