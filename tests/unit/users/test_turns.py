"""Registrations take turns at Keycloak; one too many is refused before anything is made."""

import asyncio
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.server.call import Call, present
from bridge.server.methods import methods_of
from causeway.users.v1 import user_service_pb2 as pb
from services.users.intents import Intent
from services.users.servicer import Servicer
from services.users.turns import PATIENCE, Turns

SERVICE = "causeway.users.v1.UserService"


class Registrations:
    """Plays the registration, whose Keycloak answers once it is let; and the users' table."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.answers = asyncio.Event()

    async def register(self, intent: Intent, _password: str) -> str:
        self.begun.append(intent.username)
        await self.answers.wait()
        return intent.id

    async def user(self, user_id: str) -> Any:
        raise LookupError(user_id)


def registering(servicer: Servicer, name: str) -> asyncio.Task[Any]:
    async def register() -> Any:
        present.set(Call(methods_of(SERVICE)["RegisterUser"], None, None, "c"))  # type: ignore[arg-type]
        return await servicer.RegisterUser(pb.RegisterUserRequest(username=name), None)  # type: ignore[arg-type]

    return asyncio.create_task(register())


def servicer_of(registrations: Any, turns: Turns) -> Servicer:
    nothing: Any = None
    return Servicer(registrations, nothing, nothing, nothing, registrations, nothing, turns)


async def test_one_too_many_is_refused_at_once_and_nothing_is_begun_for_it() -> None:
    registrations = Registrations()
    servicer = servicer_of(registrations, Turns(at_once=2, waiting=1))
    held = [registering(servicer, name) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE / 2):
        with pytest.raises(Unavailable) as refused:
            await registering(servicer, "d")
    assert (refused.value.reason, refused.value.retry_after) == ("REGISTRATIONS_BUSY", 2.0)
    assert registrations.begun == ["a", "b"]
    registrations.answers.set()
    ended = await asyncio.gather(*held, return_exceptions=True)
    assert [type(one) for one in ended] == [LookupError] * 3
    assert registrations.begun == ["a", "b", "c"]


async def test_who_waits_too_long_is_refused_and_gives_its_place_back() -> None:
    turns = Turns(at_once=1, waiting=1, patience=0.02)
    async with turns.taken():
        for _ in range(3):
            with pytest.raises(Unavailable):
                async with turns.taken():
                    raise AssertionError("there was no turn")


async def test_a_turn_is_free_again_however_its_holder_ends() -> None:
    turns = Turns(at_once=1, waiting=0)
    with pytest.raises(ZeroDivisionError):
        async with turns.taken():
            raise ZeroDivisionError

    async def hold() -> None:
        async with turns.taken():
            await asyncio.sleep(60)

    cut = asyncio.create_task(hold())
    await asyncio.sleep(0)
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    async with turns.taken():
        pass
