"""Reads an UpdatePreferencesRequest, and says what it makes of preferences (AIP-134)."""

from dataclasses import dataclass, field, replace

from bridge.errors import FieldViolation, InvalidArgument
from bridge.field_mask import paths_of
from causeway.notifications.v1.notification_service_pb2 import UpdatePreferencesRequest
from services.notifications.preference_table import Preference
from services.notifications.webhook_address import target_of
from services.notifications.webhook_allowed import Allowed
from services.notifications.webhook_signature import check_secret

MUTABLE = ("email_disabled", "webhook_uri", "webhook_secret")


@dataclass(frozen=True, slots=True)
class PreferenceChange:
    """What preferences shall be; None leaves a field as it is. `etag` is the version that they
    must be at, empty for any."""

    email_disabled: bool | None = None
    webhook_uri: str | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    etag: str = ""


def preference_change(request: UpdatePreferencesRequest, allowed: Allowed) -> PreferenceChange:
    """What to change. No mask takes the fields that are set, `*` takes all, the secret included.

    InvalidArgument: a path that is no field, or a webhook that may not be called, as far as its
    address says without being resolved: the sender asks again, each time. Or a secret that is too
    short to sign anything, or has blanks.
    """
    given = request.preferences
    paths = paths_of(request.update_mask, given, MUTABLE)
    if "webhook_uri" in paths and given.webhook_uri:
        target_of(given.webhook_uri, allowed)
    if "webhook_secret" in paths and given.webhook_secret:
        check_secret(given.webhook_secret)
    chosen = {path: getattr(given, path) for path in paths}
    return PreferenceChange(**chosen, etag=given.etag)


def changed(present: Preference, change: PreferenceChange) -> Preference:
    """The preferences after the change, a version later; or the present ones where all of it is
    so already. InvalidArgument: a webhook without a secret, or another one with the secret of the
    last: whoever runs the new one could show its posts to the old one, which would believe them."""
    wanted = {name: getattr(change, name) for name in MUTABLE}
    given = {name: value for name, value in wanted.items() if value is not None}
    after = replace(present, **given)
    if after.webhook_uri and not after.webhook_secret:
        text = "a webhook needs a secret, which signs what it gets"
        raise _violation("preferences.webhook_secret", text)
    if after.webhook_uri not in ("", present.webhook_uri) and not change.webhook_secret:
        text = "another webhook_uri needs its secret given with it, and named in the mask if any"
        raise _violation("preferences.webhook_secret", text)
    return after if after == present else replace(after, version=present.version + 1)


def _violation(field: str, text: str) -> InvalidArgument:
    return InvalidArgument(f"{field}: {text}", violations=(FieldViolation(field, text),))
