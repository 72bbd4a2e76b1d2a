import base64

import pytest

from bridge.errors import InvalidArgument
from services.notifications.webhook_signature import key_of, signed

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_of_standard_webhooks_is_signed_as_its_libraries_do() -> None:
    # The vector of its reference libraries' own tests.
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', key_of(SECRET)
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize(
    ("message_id", "timestamp", "body", "secret"),
    [
        ("m2", 1, b"{}", SECRET),
        ("m1", 2, b"{}", SECRET),
        ("m1", 1, b"{ }", SECRET),
        ("m1", 1, b"{}", "another secret, long enough"),
    ],
)
def test_id_time_body_and_secret_are_all_signed(
    message_id: str, timestamp: int, body: bytes, secret: str
) -> None:
    first = signed("m1", 1, b"{}", key_of(SECRET))
    other = signed(message_id, timestamp, body, key_of(secret))
    assert other["webhook-signature"] != first["webhook-signature"]


def test_a_secret_is_its_own_text_or_base64_after_its_prefix() -> None:
    assert key_of("sixteen letters!") == b"sixteen letters!"
    assert key_of("whsec_" + base64.b64encode(bytes(range(24))).decode()) == bytes(range(24))


@pytest.mark.parametrize(
    "secret", ["", "short", "whsec_", "whsec_AAAA", "whsec_***************==="]
)
def test_a_secret_that_signs_nothing_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        key_of(secret)
    assert caught.value.reason == "WEBHOOK_SECRET_INVALID"
    assert len(secret) < 7 or secret not in caught.value.message
