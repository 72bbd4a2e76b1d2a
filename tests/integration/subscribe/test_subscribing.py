"""SubscribeEvents over the real Kafka: what a subscriber gets, and from where on."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from bridge.server.serve import Server
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.orders.v1 import events_pb2 as orders
from client.platform import Platform
from stack.audit.following import readable
from tests.integration.subscribe.conftest import (
    EARLIEST,
    LATEST,
    SHIPPED,
    Place,
    Subscribe,
    serving,
    subscribing,
)
from tests.integration.subscribe.writing import Writer
from tests.unit.server.conftest import Issuer, Refusal


async def refusal_of(subscribe: Subscribe, **fields: object) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with subscribe(**fields):
            pass
    return Refusal(caught.value)


async def test_an_event_comes_with_all_that_its_record_says(
    writer: Writer, subscribe: Subscribe
) -> None:
    async with subscribe() as stream:
        event_id = await writer.write("o-1")
        await stream.until(1)
    [event] = stream.events
    data = orders.OrderConfirmed()
    assert event.data.Unpack(data)
    assert data == orders.OrderConfirmed(order_id="o-1", customer="users/u1")
    assert event.time.ToDatetime(UTC) - datetime.now(UTC) < timedelta(seconds=20)
    told = (event.name, event.type, event.source, event.subject, event.key, event.sequence)
    confirmed = "causeway.orders.v1.OrderConfirmed"
    assert told == (f"events/{event_id}", confirmed, "/causeway/orders", "orders/o-1", "o-1", 1)
    assert (event.correlation, event.causation) == ("c-1", "e-1")
    assert (event.topic, event.HasField("partition"), event.offset) == (writer.topic, True, 0)


async def test_a_subscription_begins_at_the_beginning_the_end_or_a_time(
    writer: Writer, subscribe: Subscribe
) -> None:
    hour = datetime.now(UTC) - timedelta(hours=1)
    await writer.write("o-1", time=hour - timedelta(seconds=1))
    at_the_hour = await writer.write("o-1", time=hour)
    async with (
        subscribe(position=EARLIEST) as all_,
        subscribe(position=LATEST) as none,
        subscribe(time=hour) as some,
        subscribe() as unsaid,
    ):
        last = await writer.write("o-1")
        assert len(await all_.until(3)) == 3
        assert await some.until(2) == [at_the_hour, last]
        assert await none.until(1) == await unsaid.until(1) == [last]
        resumed = some.token
    # The token keeps the time: what happened before it and is written later is not wanted either.
    await writer.write("o-1", time=hour - timedelta(seconds=1))
    newest = await writer.write("o-1")
    async with subscribe(resume_token=resumed) as stream:
        assert await stream.until(1) == [newest]


async def test_types_keys_and_sources_choose(writer: Writer, subscribe: Subscribe) -> None:
    plain = await writer.write("o-1")
    shipped = await writer.write("o-2", orders.OrderShipped(order_id="o-2"))
    other = await writer.write("o-3", source="/elsewhere")
    async with (
        subscribe(position=EARLIEST, types=[SHIPPED]) as by_type,
        subscribe(position=EARLIEST, keys=["o-1", "o-9"]) as by_key,
        subscribe(position=EARLIEST, sources=["/elsewhere"]) as by_source,
        subscribe(position=EARLIEST, keys=["o-1"], types=[SHIPPED]) as by_both,
    ):
        assert await by_type.until(1) == [shipped]
        assert await by_key.until(1) == [plain]
        assert await by_source.until(1) == [other]
        assert await by_both.silent()


async def test_a_reader_goes_on_where_its_token_says_at_any_replica(
    writer: Writer, place: Place, issuer: Issuer, subscribe: Subscribe
) -> None:
    written = await writer.several("o-1", 5)
    async with subscribe(position=EARLIEST) as stream:
        first = await stream.until(2)
    async with (
        serving(place, issuer) as other,
        subscribing(other, place, issuer) as there,
        there(resume_token=stream.token) as resumed,
    ):
        assert first + await resumed.until(3) == written


async def test_a_filtered_reader_comes_on_by_signs_of_life(
    writer: Writer, subscribe: Subscribe
) -> None:
    async with subscribe(keys=["mine"]) as stream:
        before = stream.token
        await writer.several("others", 3)
        while stream.token == before:
            assert await stream.silent(1)
    mine = await writer.write("mine")
    async with subscribe(keys=["mine"], resume_token=stream.token) as resumed:
        assert await resumed.until(1) == [mine]


async def test_a_token_is_good_for_its_caller_and_its_filter_alone(subscribe: Subscribe) -> None:
    async with subscribe(keys=["a", "b"], sub="u-1") as stream:
        token = stream.token
    async with subscribe(keys=["b", "a", "a"], sub="u-1", resume_token=token):
        pass
    for fields in (
        {"keys": ["a", "b"], "sub": "u-2"},
        {"keys": ["a"], "sub": "u-1"},
        {"keys": ["a", "b"], "types": [SHIPPED], "sub": "u-1"},
    ):
        refusal = await refusal_of(subscribe, **fields, resume_token=token)
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.reason == "INVALID_RESUME_TOKEN"


async def test_who_has_a_type_by_its_roles_sees_that_type_alone(
    writer: Writer, subscribe: Subscribe
) -> None:
    await writer.write("o-1")
    shipped = await writer.write("o-1", orders.OrderShipped(order_id="o-1"))
    async with subscribe(position=EARLIEST, role="operator") as stream:
        assert await stream.until(1) == [shipped]
        assert await stream.silent()
    refusal = await refusal_of(
        subscribe, role="operator", types=["causeway.orders.v1.OrderConfirmed"]
    )
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    refusal = await refusal_of(subscribe, role="customer")
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    assert "auditor, operator" in refusal.message


async def test_an_unknown_topic_or_type_names_those_that_there_are(
    place: Place, subscribe: Subscribe
) -> None:
    refusal = await refusal_of(subscribe, topics=["no.such"])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_TOPIC")
    assert place.topic in refusal.message
    refusal = await refusal_of(subscribe, types=["no.Such"])
    assert refusal.reason == "UNKNOWN_EVENT_TYPE"
    assert SHIPPED in refusal.message


async def test_a_record_that_is_no_event_ends_the_stream_with_a_token_that_goes_past_it(
    writer: Writer, subscribe: Subscribe
) -> None:
    before = await writer.write("o-1")
    broken = await writer.raw("o-1", b"no event", [("ce_type", SHIPPED.encode())])
    after = await writer.write("o-1")
    async with subscribe(position=EARLIEST) as stream:
        assert await stream.until(1) == [before]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.until(2)
    refusal = Refusal(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.DATA_LOSS, "UNDECODABLE")
    assert f"{writer.topic}/{broken.partition}/{broken.offset}" in refusal.message
    async with subscribe(resume_token=stream.token) as resumed:
        assert await resumed.until(1) == [after]
    confirmed = "causeway.orders.v1.OrderConfirmed"
    async with subscribe(position=EARLIEST, types=[confirmed]) as others:
        assert await others.until(2) == [before, after]


async def test_who_follows_is_told_of_a_record_that_is_no_event_and_gets_what_is_behind_it(
    writer: Writer, server: Server, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = await writer.raw("o-1", b"no event", [("ce_type", SHIPPED.encode())])
    after = await writer.write("o-1")

    async def token() -> str:
        return issuer.token("auditor", sub="u-1")

    request = pb.SubscribeEventsRequest(topics=[writer.topic], position=EARLIEST)
    async with (
        Platform(f"http://127.0.0.1:{server.port}", token) as causeway,
    ):
        following = readable(causeway.events.SubscribeEvents, request)
        assert (await anext(following)).name == f"events/{after}"
        await following.aclose()
    assert f"{writer.topic}/{broken.partition}/{broken.offset}" in capsys.readouterr().err


async def delete_records(place: Place, partition: int, before: int) -> None:
    admin = AIOKafkaAdminClient(**place.kafka.client())
    await admin.start()
    try:
        where = TopicPartition(place.topic, partition)
        await admin.delete_records({where: RecordsToDelete(before)})
    finally:
        await admin.close()


async def test_a_token_whose_place_was_deleted_from_the_log_is_out_of_range(
    place: Place, issuer: Issuer, writer: Writer, subscribe: Subscribe
) -> None:
    await writer.write("o-1")
    async with subscribe(position=EARLIEST) as stream:
        await stream.until(1)
    [read] = stream.events
    _, *kept = await writer.several("o-1", 2)
    await delete_records(place, read.partition, read.offset + 2)
    # Another replica: what this one has read it still has.
    async with serving(place, issuer) as other, subscribing(other, place, issuer) as there:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async with there(resume_token=stream.token) as resumed:
                await resumed.until(1)
    refusal = Refusal(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "POSITION_GONE")
    assert f"{writer.topic}/{read.partition}/{read.offset + 1}" in refusal.message
    async with subscribe(position=EARLIEST) as anew:
        assert [await anew.until(1), await anew.silent()] == [kept, True]
