import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bridge.errors import InvalidArgument
from causeway.notifications.v1.notification_service_pb2 import (
    Preferences,
    UpdatePreferencesRequest,
)
from services.notifications.preference_request import PreferenceChange, changed, preference_change
from services.notifications.preference_table import Preference
from services.notifications.webhook_allowed import Allowed

HOOK = "https://ann.example/hook"


def change(given: Preferences, *paths: str, allowed: str = "") -> PreferenceChange:
    mask = FieldMask(paths=paths) if paths else None
    request = UpdatePreferencesRequest(preferences=given, update_mask=mask)
    return preference_change(request, Allowed.of(allowed))


def test_no_mask_means_the_fields_that_are_set() -> None:
    assert change(Preferences(webhook_uri=HOOK, etag="3")) == PreferenceChange(
        webhook_uri=HOOK, etag="3"
    )
    assert change(Preferences()) == PreferenceChange()


def test_a_mask_means_what_it_names_set_or_not() -> None:
    given = Preferences(email_disabled=True, webhook_uri=HOOK)
    assert change(given, "email_disabled", "webhook_secret") == PreferenceChange(
        email_disabled=True, webhook_secret=""
    )
    assert change(Preferences(), "*") == PreferenceChange(False, "", "")


def test_a_path_that_is_no_field_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r"update_mask: etag is not one of email_disabled"):
        change(Preferences(), "etag")


def test_only_an_address_that_is_to_be_written_is_looked_at() -> None:
    private = Preferences(webhook_uri="http://10.0.0.1/")
    assert change(private, "email_disabled").webhook_uri is None
    with pytest.raises(InvalidArgument) as caught:
        change(private)
    assert [one.field for one in caught.value.violations] == ["preferences.webhook_uri"]
    assert change(private, allowed="10.0.0.0/8").webhook_uri == "http://10.0.0.1/"


def test_a_secret_that_is_too_short_to_sign_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        change(Preferences(webhook_uri=HOOK, webhook_secret="fifteen-letters"))
    assert caught.value.reason == "WEBHOOK_SECRET_INVALID"
    assert [one.field for one in caught.value.violations] == ["preferences.webhook_secret"]
    said = Preferences(webhook_secret="sixteen-letters!")
    assert change(said).webhook_secret == "sixteen-letters!"


@pytest.mark.parametrize(
    "secret", [" " * 16, "sixteen letters!", "sixteen\tletters!", "\u200b" * 16]
)
def test_a_secret_with_blanks_or_of_nothing_to_see_is_refused(secret: str) -> None:
    with pytest.raises(InvalidArgument, match="printable characters, without blanks") as caught:
        change(Preferences(webhook_uri=HOOK, webhook_secret=secret))
    assert [one.field for one in caught.value.violations] == ["preferences.webhook_secret"]


@pytest.mark.parametrize("before", ["", HOOK])
def test_another_address_takes_its_secret_in_the_same_request(before: str) -> None:
    present = Preference(False, before, "s", 1)
    other = f"{HOOK}/other"
    with pytest.raises(InvalidArgument, match="needs its secret given with it") as caught:
        changed(present, PreferenceChange(webhook_uri=other))
    assert [one.field for one in caught.value.violations] == ["preferences.webhook_secret"]
    for secret in ("s", "t"):
        after = changed(present, PreferenceChange(webhook_uri=other, webhook_secret=secret))
        assert after == Preference(False, other, secret, 2)


def test_a_change_makes_one_version_and_none_where_all_is_so_already() -> None:
    present = Preference(False, HOOK, "s", 4)
    assert changed(present, PreferenceChange(True)) == Preference(True, HOOK, "s", 5)
    assert changed(present, PreferenceChange(False, HOOK)) == present


def test_a_webhook_without_a_secret_is_refused_and_one_that_is_off_needs_none() -> None:
    for present, asked in (
        (Preference(), PreferenceChange(webhook_uri=HOOK)),
        (Preference(False, HOOK, "s", 1), PreferenceChange(webhook_secret="")),
    ):
        with pytest.raises(InvalidArgument) as caught:
            changed(present, asked)
        assert [one.field for one in caught.value.violations] == ["preferences.webhook_secret"]
    off = PreferenceChange(webhook_uri="", webhook_secret="")
    assert changed(Preference(False, HOOK, "s", 1), off) == Preference(version=2)


def test_a_change_that_is_printed_shows_no_secret() -> None:
    assert "s3cret" not in repr(PreferenceChange(webhook_secret="s3cret"))
