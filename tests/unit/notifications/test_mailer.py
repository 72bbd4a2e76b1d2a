"""A mail server that answers, and yet takes too long."""

import asyncio
from email.message import EmailMessage

import pytest

from bridge.effects.sender import Pace
from bridge.errors import Unavailable
from services.notifications import mailer


async def test_a_server_that_answers_slowly_is_given_up_within_the_time_of_an_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = asyncio.Event()

    async def dribble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                # Each of these lines is in time; the greeting they belong to never ends.
                writer.write(b"220-wait\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass  # The client has gone, as it should.
        finally:
            writer.close()
            ended.set()

    assert Pace().attempt > mailer.TIMEOUT
    monkeypatch.setattr(mailer, "TIMEOUT", 0.4)
    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    place = mailer.MailServer("127.0.0.1", server.sockets[0].getsockname()[1])
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable) as caught:
            await mailer.send(EmailMessage(), place, "a@example.org", "b@example.org")
        await ended.wait()
    assert caught.value.reason == "MAIL_SERVER_AWAY"
    server.close()
