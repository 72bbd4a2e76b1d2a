"""What somebody with every right in the database might do to its history."""

import asyncpg

from bridge.audit.seals import BEGINNING, Chain
from bridge.sql import queries, read

TAMPERING = read("""
-- alter --
-- Changes the last byte of an event's data.
UPDATE bridge.events SET data = set_byte(data, length(data) - 1, 65) WHERE position = $1

-- remove --
-- Deletes an event.
DELETE FROM bridge.events WHERE position = $1

-- insert --
-- Puts an event at version $2 of stream $1 that never went through the relay.
INSERT INTO bridge.events (
    stream, version, type, event_id, data, schema_id, time, actor, client, method, request_id,
    correlation_id, causation_id, traceparent
)
SELECT
    $1, $2, type, gen_random_uuid(), data, schema_id, time, actor, client, method, request_id,
    correlation_id, causation_id, traceparent
FROM bridge.events
LIMIT 1
RETURNING position

-- no_identity --
-- Lets positions be changed at all.
ALTER TABLE bridge.events ALTER position DROP IDENTITY IF EXISTS

-- move --
-- Moves an event from position $1 to position $2.
UPDATE bridge.events SET position = $2 WHERE position = $1

-- swap_data --
-- Two events exchange their data.
UPDATE bridge.events AS event SET data = other.data
FROM bridge.events AS other
WHERE (event.position, other.position) IN (($1, $2), ($2, $1))

-- fill --
-- Stores $1 events of 10,000 streams, each with data of its own, as an append lays them out.
INSERT INTO bridge.events (
    stream, version, type, event_id, data, schema_id, time, actor, client, method, request_id,
    correlation_id, causation_id, traceparent
)
SELECT
    'orders/o' || number % 10000, number / 10000 + 1, 'causeway.orders.v1.OrderConfirmed', id,
    decode('0a24', 'hex') || convert_to(id::text, 'UTF8'), 7, clock_timestamp(), 'users/u1',
    'causeway-cli', '/causeway.orders.v1.OrderService/CreateOrder', id::text, id::text, '',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
FROM (
    SELECT number, gen_random_uuid() AS id
    FROM generate_series(0, $1::bigint - 1) AS number
    ORDER BY number
) AS numbered

-- queue --
-- Puts all events into the outbox, for topic $1.
INSERT INTO bridge.outbox SELECT position, $1, 1 FROM bridge.events

-- queue_again --
-- Puts what was published above a position back into the outbox.
INSERT INTO bridge.outbox SELECT position, topic, 1 FROM bridge.published WHERE position > $1

-- cut_events --
-- Deletes the events above a position.
DELETE FROM bridge.events WHERE position > $1

-- cut_seals --
-- Deletes the seals of events above a position.
DELETE FROM bridge.seals WHERE position > $1

-- cut_published --
-- Forgets where the events above a position went.
DELETE FROM bridge.published WHERE position > $1

-- forge --
-- Puts another event at position $1, as version $2 of its stream.
INSERT INTO bridge.events OVERRIDING SYSTEM VALUE
SELECT
    $1, stream, $2, type, gen_random_uuid(), data, schema_id, time, actor, client, method,
    request_id, correlation_id, causation_id, traceparent
FROM bridge.events
LIMIT 1

-- wait --
-- Puts position $1 into the outbox, for topic $2.
INSERT INTO bridge.outbox VALUES ($1, $2, 1)

-- seal_below --
-- Makes a seal of position $1 that no chain leads to.
INSERT INTO bridge.seals VALUES (-1, $1, sha256('a'), sha256('b'))

-- long_ago --
-- Moves all that was published two hours back.
UPDATE bridge.published SET time = now() - interval '2 hours'
""")

STRUCTURES = {
    "events has: child bridge.evil": """
        CREATE TABLE bridge.evil () INHERITS (bridge.events);
        INSERT INTO bridge.evil SELECT * FROM bridge.events WHERE position = 1;
    """,
    "events lacks: primary key position": """
        ALTER TABLE bridge.events DROP CONSTRAINT events_pkey;
        CREATE INDEX plain ON bridge.events (position);
        INSERT INTO bridge.events OVERRIDING SYSTEM VALUE
        SELECT position, stream, 99, type, gen_random_uuid(), data, schema_id, time, actor, client,
            method, request_id, correlation_id, causation_id, traceparent
        FROM bridge.events WHERE position = 1;
    """,
    "events has: row level security": """
        ALTER TABLE bridge.events ENABLE ROW LEVEL SECURITY;
        CREATE POLICY hides ON bridge.events USING (true);
    """,
    "events has: policy hides": "CREATE POLICY hides ON bridge.events USING (true)",
    "events has: kind v, p": """
        ALTER TABLE bridge.events RENAME TO truth;
        CREATE VIEW bridge.events AS SELECT * FROM bridge.truth;
        GRANT SELECT ON bridge.events TO PUBLIC;
    """,
    "seals is not there": "ALTER TABLE bridge.seals RENAME TO sealed",
    "outbox has: rule silent": """
        CREATE RULE silent AS ON INSERT TO bridge.outbox DO INSTEAD NOTHING
    """,
    "published has: trigger late": """
        CREATE FUNCTION bridge.late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER late BEFORE INSERT ON bridge.published
        FOR EACH ROW EXECUTE FUNCTION bridge.late();
    """,
    "events lacks: time timestamp with time zone not null": """
        DROP INDEX bridge.events_by_time;
        ALTER TABLE bridge.events ALTER time TYPE text;
    """,
    "seals lacks: prev bytea not null": "ALTER TABLE bridge.seals ALTER prev DROP NOT NULL",
}
"""By what is found: changes of the tables that let them show other rows than there are."""


async def recompute(connection: asyncpg.Connection) -> None:
    """Make the whole chain anew over what the store holds now."""
    chain = Chain(BEGINNING)
    sql = queries("seals")
    async with connection.transaction():
        await connection.execute("TRUNCATE bridge.seals")
        while rows := await connection.fetch(sql["unsealed"], chain.head.position, 1000):
            hashes = chain.hashes(row["fields"] for row in rows)
            positions = [row["position"] for row in rows]
            seq, _, last = chain.head
            await connection.execute(sql["seal"], positions, seq, last, hashes)
            chain.advance(positions[-1], hashes)


async def swap_places(connection: asyncpg.Connection, one: int, other: int) -> None:
    """Two events exchange their positions."""
    async with connection.transaction():
        await connection.execute(TAMPERING["no_identity"])
        for come, go in ((one, -1), (other, one), (-1, other)):
            await connection.execute(TAMPERING["move"], come, go)


async def swap_data(connection: asyncpg.Connection, one: int, other: int) -> None:
    """Two events exchange their data."""
    await connection.execute(TAMPERING["swap_data"], one, other)


async def cut(connection: asyncpg.Connection, position: int) -> None:
    """Cut off everything above a position."""
    async with connection.transaction():
        for table in ("events", "seals", "published"):
            await connection.execute(TAMPERING[f"cut_{table}"], position)
