"""Checks that the tables of history are the tables that the migrations made.

A view, a child table, a policy or a trigger can show a reader other rows than there are, and
without its keys a table holds a position twice: what the seals say is of no use then.
"""

import asyncpg

from bridge.audit.findings import Finding, Kind, Report
from bridge.sql import queries

_PLAIN = "kind r, p"
_STORE = {
    "events": (
        "position bigint",
        "stream text",
        "version bigint",
        "type text",
        "event_id uuid",
        "data bytea",
        "schema_id integer",
        "time timestamp with time zone",
        "actor text",
        "client text",
        "method text",
        "request_id text",
        "correlation_id text",
        "causation_id text",
        "traceparent text",
    ),
    "outbox": ("position bigint", "topic text", "schema_version integer"),
    "published": (
        "position bigint",
        "topic text",
        "partition integer",
        "record_offset bigint",
        "time timestamp with time zone",
    ),
    "seals": (
        "seq bigint",
        "position bigint",
        "prev bytea",
        "hash bytea",
        "time timestamp with time zone",
    ),
    "discarded": (
        "id bigint",
        "consumer_group text",
        "type text",
        "topic text",
        "partition integer",
        "record_offset bigint",
        "headers jsonb",
        "reason text",
        "attempts integer",
        "park_time timestamp with time zone",
        "actor text",
        "time timestamp with time zone",
    ),
}
"""Columns that are never NULL."""
_NULLABLE = {"discarded": ("key text", "event_id uuid", "record_key bytea", "value bytea")}
_KEYS = {
    "events": ("primary key position", "unique key stream, version", "unique key event_id"),
    "outbox": ("primary key position",),
    "published": ("primary key position",),
    "seals": ("primary key seq", "unique key position"),
    "discarded": (
        "primary key id",
        "unique key consumer_group, topic, partition, record_offset",
    ),
}


def _expected(table: str) -> frozenset[str]:
    columns = (f"{column} not null" for column in _STORE[table])
    return frozenset((_PLAIN, *columns, *_NULLABLE.get(table, ()), *_KEYS[table]))


async def check_structure(connection: asyncpg.Connection, report: Report) -> None:
    """Name everything that a table of history has too much or lacks."""
    found: dict[str, set[str]] = {table: set() for table in _STORE}
    for table, fact in await connection.fetch(queries("verify")["structure"], list(_STORE)):
        found[table].add(fact)
    for table, facts in found.items():
        if not facts:
            report.add(_finding(table, "is not there"))
            continue
        expected = _expected(table)
        for fact in sorted(expected - facts):
            report.add(_finding(table, f"lacks: {fact}"))
        for fact in sorted(facts - expected):
            report.add(_finding(table, f"has: {fact}"))


def _finding(table: str, what: str) -> Finding:
    return Finding(Kind.STRUCTURE_CHANGED, detail=f"bridge.{table} {what}")
