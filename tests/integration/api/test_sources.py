"""Events of one source outside, among many of others."""

from datetime import UTC, datetime

from bridge.events.outside import cause_of
from bridge.sql import queries
from causeway.bridge.v1 import event_service_pb2 as pb
from client.platform import Platform
from tests.integration.api.publishing import adjusted
from tests.integration.api.services import Services
from tests.integration.service_kit import As

FILL = """
INSERT INTO bridge.events (
    stream, version, type, event_id, data, schema_id, time, actor, client, method, request_id,
    correlation_id, causation_id, traceparent
)
SELECT 'inventory/' || n, 1, 'T', gen_random_uuid(), '', 7, now(), '', '', '', '', '', $1 || n, ''
FROM generate_series(1, 20000) AS n
"""


async def test_a_source_that_published_nothing_costs_no_look_at_the_events_of_the_others(
    services: Services,
) -> None:
    connection = services["bridge"]
    await connection.execute(FILL, cause_of("/warehouse/berlin", ""))
    page = queries("api_events")["page"]
    wanted = (0, "", "", "", None, None, 0, 100, 10**6, "/warehouse/bonn")
    plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN ANALYZE " + page, *wanted))
    assert "events_by_source" in plan
    assert "Rows Removed by Filter" not in plan


async def test_a_source_that_begins_as_another_one_or_has_its_mark_is_one_of_its_own(
    services: Services, call_as: As
) -> None:
    publisher, auditor = call_as("publisher", sub="paul"), call_as("auditor")
    sources = ["/till", "/till/1", "/till#1", "urn:till#1", "/till#1#2"]
    made = {source: await published(publisher, source) for source in sources}
    for source, name in made.items():
        answer = await auditor.events.ListEvents(pb.ListEventsRequest(source=source))
        assert [event.name for event in answer.events] == [name]


async def published(publisher: Platform, source: str) -> str:
    event = adjusted("book", 1, name="events/1", source=source, time=datetime.now(UTC))
    return (await publisher.events.PublishEvent(pb.PublishEventRequest(event=event))).name
