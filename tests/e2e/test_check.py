"""`causeway check` against the whole platform: every cell, and nothing changed by it."""

import json
import os

import pytest
from keycloak import KeycloakAdmin

from stack.proof.guests import PREFIX
from tests.platform import Platform


@pytest.mark.timeout(300)
def test_nothing_is_open(causeway: Platform) -> None:
    answer = causeway.causeway("check", "--json", timeout=300)
    told = json.loads(answer.stdout)
    assert [one for one in told["static"] if one["findings"]] == []
    assert told["live"]["differences"] == []
    assert (told["live"]["changed"], told["live"]["skipped"]) == ([], [])
    assert told["proven"]
    assert answer.returncode == 0
    assert [one["source"] for one in told["static"]] == [
        "envoy/generated",
        "the files of the running edge",
        "the running edge",
    ]
    # 37 methods by 18 and more callers, on each way to them and on crooked ones.
    assert told["live"]["cells"] > 25_000


def test_no_client_of_the_proof_is_left_in_the_realm(causeway: Platform) -> None:
    admin = KeycloakAdmin(
        server_url=causeway["CAUSEWAY_KEYCLOAK"],
        username="admin",
        password=os.environ["CAUSEWAY_TEST_KEYCLOAK_PASSWORD"],
        user_realm_name="master",
        realm_name="master",
    )
    admin.change_current_realm("causeway")
    assert not [c for c in admin.get_clients() if c["clientId"].startswith(PREFIX)]
