-- columns --
-- The columns of table $1 (as SQL writes it) in order: name, type, the sequence of an identity
-- (else null), and whether it is computed from others.
SELECT
    attname AS name, format_type(atttypid, atttypmod) AS type, attgenerated <> '' AS computed,
    CASE WHEN attidentity <> '' THEN pg_get_serial_sequence($1::text, attname) END AS sequence
FROM pg_attribute
WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum

-- referencing --
-- A foreign key from a table other than $1 (as SQL writes them) to one of these; no row: none.
SELECT conrelid::regclass::text AS source, confrelid::regclass::text AS target
FROM pg_constraint
WHERE
    contype = 'f'
    AND confrelid = ANY ($1::text[]::regclass[])
    AND conrelid <> ALL ($1::text[]::regclass[])
LIMIT 1

-- make --
-- Makes an empty table like a live one, with its indexes, defaults and checks.
CREATE TABLE bridge_shadow.{table} (LIKE public.{table} INCLUDING ALL EXCLUDING IDENTITY)

-- number --
-- Numbers the rows of a shadow from the sequence of its live table, which goes on from there when
-- the rows have moved.
ALTER TABLE bridge_shadow.{table} ALTER COLUMN {column} SET DEFAULT nextval({sequence}::regclass)

-- make_notes --
-- Makes the table of events that the shadow has handled and the live group may not have.
CREATE TABLE bridge_shadow.{notes} (event_id uuid PRIMARY KEY)

-- drop --
-- Drops a table of the shadow, if it is there.
DROP TABLE IF EXISTS bridge_shadow.{table}

-- enter --
-- Lets unqualified names mean the shadow's tables, for the rest of the session. Its commits are not
-- waited for: what a crash of PostgreSQL takes back, it takes back with the checkpoint behind it.
SELECT
    set_config('search_path', 'bridge_shadow, ' || current_setting('search_path'), false),
    set_config('synchronous_commit', 'off', false)

-- be_sure --
-- Waits for the commit of this transaction: all that it builds on is then sure, too.
SET LOCAL synchronous_commit = on

-- strayed --
-- A table outside of the shadow that this transaction has written; no row: none.
SELECT nspname || '.' || relname AS name
FROM pg_locks
INNER JOIN pg_class ON pg_class.oid = relation
INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE
    locktype = 'relation'
    AND pid = pg_backend_pid()
    AND mode = 'RowExclusiveLock'
    AND relkind IN ('r', 'p')
    AND nspname NOT IN ('bridge_shadow', 'pg_catalog')
LIMIT 1

-- note --
-- Notes events $1 as handled by the shadow.
INSERT INTO bridge_shadow.{notes} (event_id)
SELECT event_id FROM unnest($1::uuid[]) AS event_id
ON CONFLICT DO NOTHING

-- patience --
-- Waits for locks no longer than {milliseconds} ms. For tables less than PostgreSQL waits before it
-- looks for a deadlock, so that the swap gives way and nobody else.
SET LOCAL lock_timeout = {milliseconds}

-- close_gate --
-- Waits until nobody handles an event of group $1, and lets nobody begin: see `take` of inbox.sql.
SELECT pg_advisory_xact_lock(1937203568, hashtext($1::text))

-- hold --
-- Keeps everybody from writing these tables, and from locking their rows; reading goes on.
LOCK TABLE {tables} IN EXCLUSIVE MODE

-- mark --
-- Marks what the shadow has handled as handled by group $1: what was noted, and what is parked.
INSERT INTO bridge.inbox (consumer_group, event_id, attempts)
SELECT $1::text, event_id, 1 FROM bridge_shadow.{notes}
UNION
SELECT $1::text, event_id, 1 FROM bridge.parked
WHERE consumer_group = $1 AND event_id IS NOT NULL AND type = ANY ($2::text[])
ON CONFLICT DO NOTHING

-- empty --
-- Empties a live table.
DELETE FROM public.{table}

-- fill --
-- Fills a live table from its shadow.
INSERT INTO public.{table} ({columns}) OVERRIDING SYSTEM VALUE
SELECT {columns} FROM bridge_shadow.{table}

-- release --
-- Lets parked events of group $1 and types $2, which the rebuild has handled, leave their keys;
-- asked by $3.
WITH asked AS (
    UPDATE bridge.parked
    SET redrive_time = coalesce(redrive_time, now()), redrive_actor = $3::text
    WHERE
        consumer_group = $1 AND type = ANY ($2::text[]) AND discard_time IS NULL
        AND EXISTS (
            SELECT FROM bridge.inbox
            WHERE
                inbox.consumer_group = $1 AND inbox.event_id = parked.event_id AND epoch = 0
        )
    RETURNING id
)
SELECT count(*), pg_notify('bridge_parked', '') FROM asked
