"""`causeway call` says what it can't call."""

import pytest

from stack.calling import calling
from stack.errors import Code, StackError


async def test_a_stream_of_requests_is_refused_with_the_command_that_publishes() -> None:
    with pytest.raises(StackError, match="PublishEvents takes a stream of requests") as raised:
        await calling("PublishEvents", "{}", "paul", "secret")
    assert raised.value.code is Code.CALL_FAILED
    assert raised.value.next_command.startswith("causeway events publish")
