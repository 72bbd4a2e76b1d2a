"""GetPreferences and UpdatePreferences behind the real server kit, on a real PostgreSQL."""

import asyncio
import uuid

import asyncpg
import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from causeway.notifications.v1 import notification_service_pb2 as pb
from client.errors import CallFailed
from services.notifications import preference_table
from tests.integration.service_kit import As

HOOK, SECRET = "https://ann.example/hook", "a-secret-of-ann-alone"


def update(*paths: str, request_id: str = "", **fields: object) -> pb.UpdatePreferencesRequest:
    return pb.UpdatePreferencesRequest(
        preferences=pb.Preferences(**fields),  # type: ignore[arg-type]
        update_mask=FieldMask(paths=paths) if paths else None,
        request_id=request_id,
    )


async def refusal(call_as: As, user: str, request: pb.UpdatePreferencesRequest) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await call_as(user).notifications.UpdatePreferences(request)
    return caught.value


@pytest.fixture
def ann() -> str:
    return str(uuid.uuid4())


async def test_who_never_said_gets_the_defaults_with_an_etag(call_as: As, ann: str) -> None:
    found = await call_as(ann).notifications.GetPreferences(pb.GetPreferencesRequest())
    assert found == pb.Preferences(etag="0")


async def test_what_was_said_is_kept_for_its_user_alone_and_its_secret_is_never_read_back(
    call_as: As, ann: str, pool: asyncpg.Pool
) -> None:
    said = update(email_disabled=True, webhook_uri=HOOK, webhook_secret=SECRET)
    answer = await call_as(ann).notifications.UpdatePreferences(said)
    assert answer == pb.Preferences(email_disabled=True, webhook_uri=HOOK, etag="1")
    found = await call_as(ann).notifications.GetPreferences(pb.GetPreferencesRequest())
    assert found == answer
    async with pool.acquire() as connection:
        kept = await preference_table.find(connection, ann)
    assert kept.webhook_secret == SECRET
    other = call_as(str(uuid.uuid4())).notifications
    assert (await other.GetPreferences(pb.GetPreferencesRequest())).etag == "0"


async def test_a_mask_changes_what_it_names_and_a_change_to_the_same_is_none(
    call_as: As, ann: str
) -> None:
    notifications = call_as(ann).notifications
    await notifications.UpdatePreferences(update(webhook_uri=HOOK, webhook_secret=SECRET))
    masked = update("webhook_uri", email_disabled=True, webhook_uri="")
    off = await notifications.UpdatePreferences(masked)
    assert off == pb.Preferences(etag="2")
    assert await notifications.UpdatePreferences(masked) == off
    hook = update("webhook_uri", "webhook_secret", webhook_uri=HOOK, webhook_secret=SECRET)
    on = await notifications.UpdatePreferences(hook)
    assert on == pb.Preferences(webhook_uri=HOOK, etag="3")
    assert await notifications.UpdatePreferences(update("*")) == pb.Preferences(etag="4")


async def test_an_etag_that_is_not_the_present_one_aborts_and_changes_nothing(
    call_as: As, ann: str
) -> None:
    notifications = call_as(ann).notifications
    await notifications.UpdatePreferences(update(email_disabled=True, etag="0"))
    refused = await refusal(call_as, ann, update("email_disabled", etag="0"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    found = await notifications.GetPreferences(pb.GetPreferencesRequest())
    assert found == pb.Preferences(email_disabled=True, etag="1")


async def test_of_changes_with_one_etag_at_once_one_is_taken(call_as: As, ann: str) -> None:
    requests = [
        update(webhook_uri=f"{HOOK}/{n}", webhook_secret=SECRET, etag="0") for n in range(5)
    ]
    answers = await asyncio.gather(
        *(call_as(ann).notifications.UpdatePreferences(one) for one in requests),
        return_exceptions=True,
    )
    taken = [answer for answer in answers if isinstance(answer, pb.Preferences)]
    lost = [answer for answer in answers if isinstance(answer, CallFailed)]
    assert [one.etag for one in taken] == ["1"]
    assert {one.code for one in lost} == {grpc.StatusCode.ABORTED}
    assert len(lost) == 4


async def test_a_repeat_has_the_result_of_the_first_as_it_is_now(call_as: As, ann: str) -> None:
    notifications = call_as(ann).notifications
    first = update(email_disabled=True, request_id=str(uuid.uuid4()))
    await notifications.UpdatePreferences(first)
    await notifications.UpdatePreferences(update("email_disabled"))
    assert await notifications.UpdatePreferences(first) == pb.Preferences(etag="2")
    other = update("email_disabled", email_disabled=True, request_id=first.request_id)
    assert (await refusal(call_as, ann, other)).reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (update(webhook_uri=HOOK), "preferences.webhook_secret"),
        (update("*", webhook_uri=HOOK), "preferences.webhook_secret"),
        (update("etag"), "update_mask"),
        (update("webhookUri"), "update_mask"),
        (update(webhook_uri="http://ann.example", webhook_secret="s"), "preferences.webhook_uri"),
        (update(webhook_uri="https://127.0.0.1", webhook_secret="s"), "preferences.webhook_uri"),
        (update(webhook_uri="https://[::1]/", webhook_secret="s"), "preferences.webhook_uri"),
        (update(webhook_uri="https://a@b.example", webhook_secret="s"), "preferences.webhook_uri"),
        (update(webhook_uri="no address", webhook_secret="s"), "preferences.webhook_uri"),
    ],
)
async def test_what_can_not_be_is_refused_by_field_and_changes_nothing(
    call_as: As, ann: str, request_: pb.UpdatePreferencesRequest, field: str
) -> None:
    refused = await refusal(call_as, ann, request_)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(refused.violations) == [field]
    found = await call_as(ann).notifications.GetPreferences(pb.GetPreferencesRequest())
    assert found == pb.Preferences(etag="0")


async def test_an_allowed_host_may_be_called_without_tls(call_as: As, ann: str) -> None:
    said = update(webhook_uri="http://hooks.local:9000/x", webhook_secret=SECRET)
    answer = await call_as(ann).notifications.UpdatePreferences(said)
    assert answer.webhook_uri == "http://hooks.local:9000/x"


async def test_the_secret_is_in_no_refusal_and_in_no_row_but_its_own(
    call_as: As, ann: str, pool: asyncpg.Pool
) -> None:
    asked = update(webhook_uri=HOOK, webhook_secret=SECRET, request_id=str(uuid.uuid4()))
    await call_as(ann).notifications.UpdatePreferences(asked)
    refused = await refusal(call_as, ann, update(webhook_uri="http://no", webhook_secret=SECRET))
    assert SECRET not in f"{refused} {vars(refused)}"
    # The same request with another secret is the same request: no digest holds it.
    other = update(
        webhook_uri=HOOK, webhook_secret="a-guess-at-a-secret", request_id=asked.request_id
    )
    await call_as(ann).notifications.UpdatePreferences(other)
    async with pool.acquire() as connection:
        assert (await preference_table.find(connection, ann)).webhook_secret == SECRET
        for table in ("bridge.requests", "bridge.events", "bridge.outbox"):
            held = await connection.fetch(f"SELECT t::text FROM {table} AS t")  # noqa: S608
            assert SECRET not in str(held)
