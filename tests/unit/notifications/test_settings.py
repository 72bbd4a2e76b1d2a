import pytest
from pydantic import ValidationError

from services.notifications.settings import Settings
from services.notifications.webhook_allowed import Allowed

NEEDED = {
    "CAUSEWAY_LISTEN": "127.0.0.1:0",
    "CAUSEWAY_DATABASE": "postgresql://nobody@127.0.0.1/none",
    "CAUSEWAY_KAFKA": "127.0.0.1:9092",
    "CAUSEWAY_REGISTRY": "http://127.0.0.1:8081",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_webhooks_go_to_public_addresses_alone_unless_told(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("CAUSEWAY_WEBHOOK_ALLOWED", raising=False)
    assert Settings.model_validate({}).webhooks == Allowed()
    environment.setenv("CAUSEWAY_WEBHOOK_ALLOWED", "crm.internal:8080, 10.1.0.0/16")
    allowed = Settings.model_validate({}).webhooks
    assert allowed.holds("crm.internal", 8080)
    assert allowed.holds("10.1.2.3", 443)


def test_a_wrong_exception_is_named_with_its_setting(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CAUSEWAY_WEBHOOK_ALLOWED", "10.1.0.0/99")
    with pytest.raises(ValidationError, match="webhook_allowed") as caught:
        Settings.model_validate({})
    assert "'10.1.0.0/99' is no host name, no address and no network" in str(caught.value)
