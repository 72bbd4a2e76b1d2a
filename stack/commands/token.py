"""`causeway token`"""

from typing import Annotated

import typer


def token(
    user: Annotated[str, typer.Argument(help="alice, bob, oscar, ada, paul, root, or your own.")],
    *,
    password: Annotated[
        str | None, typer.Option(help="The local users' is causeway-<name>, the default.")
    ] = None,
) -> None:
    """Print an access token of the user, and nothing else.

    Example: curl -H "authorization: Bearer $(causeway token alice)" http://127.0.0.1:8080/v1/orders
    """
    from stack.console import say
    from stack.login import access_token
    from stack.provision.people import password_of
    from stack.running import running_settings

    settings, _ = running_settings()
    say(access_token(settings.port, user, password or password_of(user)))
