"""`causeway call`"""

from typing import Annotated

import typer


def call(
    method: Annotated[str, typer.Argument(help="orders.v1.OrderService/GetOrder, or GetOrder.")],
    request: Annotated[str, typer.Argument(help="The request as JSON.")] = "{}",
    *,
    user: Annotated[str, typer.Option("--as", help="Who calls; fetches the token.")] = "alice",
    password: Annotated[
        str | None, typer.Option(help="The local users' is causeway-<name>, the default.")
    ] = None,
) -> None:
    """Call a method over gRPC at the edge and print the answer, or each one of a stream.

    Example: causeway call orders.v1.OrderService/ListOrders '{"pageSize": 5}' --as oscar
    """
    import anyio

    from stack.calling import calling
    from stack.provision.people import password_of

    anyio.run(calling, method, request, user, password or password_of(user))
