"""The realm under load: what Keycloak made without telling, and what a killed check left there."""

from http import HTTPStatus
from pathlib import Path

import pytest
from keycloak.exceptions import KeycloakPostError

from stack.choices import Choices
from stack.credentials import NAMES, Credentials
from stack.proof import guests
from stack.provision import realm
from stack.provision.change import Change
from stack.provision.realm import Administrator, provision_realm
from stack.settings import load_settings
from stack.steps import steps

ADMINISTRATOR = Administrator("http://localhost:1", "admin", "secret")


class Keycloak:
    """Answers each plan's one change with the next of `answers`; None: it is done."""

    def __init__(self, *answers: HTTPStatus | None) -> None:
        self._answers = list(answers)

    async def plan(self, administrator: Administrator, wanted: realm.Json) -> list[Change]:
        return [Change("something new", self._act)]

    async def _act(self) -> None:
        if status := self._answers.pop(0):
            raise KeycloakPostError("Duplicate resource error", response_code=status)

    @property
    def left(self) -> int:
        return len(self._answers)


@pytest.mark.parametrize("conflicts", [0, 1, 2])
async def test_what_was_made_by_a_request_that_took_too_long_counts_as_made(
    conflicts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keycloak = Keycloak(*[HTTPStatus.CONFLICT] * conflicts, None)
    monkeypatch.setattr(realm, "plan_realm", keycloak.plan)
    await provision_realm(ADMINISTRATOR, {"realm": "causeway"})
    assert keycloak.left == 0


@pytest.mark.parametrize(
    "answers",
    [
        (HTTPStatus.CONFLICT, HTTPStatus.CONFLICT, HTTPStatus.CONFLICT),
        (HTTPStatus.BAD_REQUEST,),
    ],
)
async def test_a_conflict_that_stays_is_told_and_any_other_refusal_at_once(
    answers: tuple[HTTPStatus, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    keycloak = Keycloak(*answers)
    monkeypatch.setattr(realm, "plan_realm", keycloak.plan)
    with pytest.raises(KeycloakPostError, match="Duplicate resource error"):
        await provision_realm(ADMINISTRATOR, {"realm": "causeway"})
    assert keycloak.left == 0


class Clients:
    """Keycloak's clients, by name."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def get_clients(self) -> list[dict[str, str]]:
        return [{"clientId": name, "id": f"id of {name}"} for name in self.names]

    def delete_client(self, number: str) -> None:
        self.names.remove(number.removeprefix("id of "))


async def test_a_start_removes_the_clients_of_a_killed_check_once_the_realm_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clients = Clients("orders", f"{guests.PREFIX}1-stranger", "causeway-cli")
    monkeypatch.setattr(guests, "_login", lambda *_: clients)
    monkeypatch.setattr(realm, "plan_realm", Keycloak(None).plan)
    credentials = Credentials({name: f"secret of {name}" for name in NAMES})
    tasks = steps(load_settings(state=tmp_path / "state"), credentials, Choices())
    await next(task for task in tasks if task.name == "realm").run()
    assert clients.names == ["orders", "causeway-cli"]
