"""The development mailbox (`stack/mailbox.py`) as a component."""

import sys

import anyio

from stack.component import Component
from stack.components.http_probe import get
from stack.settings import Settings


def mailbox(settings: Settings) -> Component:
    """Ready when it greets over SMTP and answers over HTTP, whatever the number of mails."""
    port = settings.port

    async def ready() -> None:
        await _greeted(port.smtp)
        await get(port.mailbox, "/health")

    command = (
        *(sys.executable, "-m", "stack.mailbox"),
        *("--smtp", f"127.0.0.1:{port.smtp}", "--http", f"127.0.0.1:{port.mailbox}"),
        *("--directory", str(settings.state / "mail")),
    )
    return Component(
        name="mailbox",
        command=command,
        ready=ready,
        ports={"smtp": port.smtp, "mailbox": port.mailbox},
        stop_timeout=3.0,
    )


async def _greeted(port: int) -> None:
    with anyio.fail_after(1):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            greeting = await stream.receive()
            await stream.send(b"QUIT\r\n")
    if not greeting.startswith(b"220"):
        raise ConnectionError(f"port {port} answers {greeting[:40]!r} in place of an SMTP greeting")
