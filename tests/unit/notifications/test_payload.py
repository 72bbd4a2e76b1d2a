import pytest

from services.notifications.payload import Payload


@pytest.mark.parametrize(
    "payload", [Payload("n1", "causeway.orders.v1.OrderConfirmed"), Payload("n1")]
)
def test_a_payload_reads_back(payload: Payload) -> None:
    assert Payload.read(payload.written()) == payload


def test_a_delivery_from_before_webhooks_names_its_notification() -> None:
    assert Payload.read(b"0198c0de-0000-7000-8000-000000000001") == Payload(
        "0198c0de-0000-7000-8000-000000000001"
    )
