"""Whether the proof changed anything: events that carry its trace, and what people own."""

import secrets
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from gateway.proof.callers import Caller

SETTLE = 1.0
"""Seconds that an event may take from its commit until it is listed."""


class Trace:
    """Marks the proof's own calls: an event keeps the trace of the call that began it."""

    def __init__(self) -> None:
        self._id = secrets.token_hex(16)
        self._began = datetime.now(UTC)

    @property
    def header(self) -> tuple[str, str]:
        """The header to send; it asks nobody to record spans."""
        return "traceparent", f"00-{self._id}-{secrets.token_hex(8)}-00"

    def events(self, http: httpx.Client, auditor: Caller) -> tuple[list[str], int]:
        """Events that our calls began, as `type name`, and how many others came meanwhile."""
        time.sleep(SETTLE)
        ours, others = [], 0
        for event in self._listed(http, auditor):
            path = f"/v1/{event['name']}:trace"
            told = http.get(path, headers=dict(auditor.headers)).json()
            if self._id in told.get("traceparent", ""):
                ours.append(f"{event['type']} {event['name']}")
            else:
                others += 1
        return ours, others

    def _listed(self, http: httpx.Client, auditor: Caller) -> list[dict[str, Any]]:
        began = self._began.isoformat().replace("+00:00", "Z")
        found: list[dict[str, Any]] = []
        token = ""
        while len(found) < 2000:
            query = {"startTime": began, "pageSize": "200", "pageToken": token}
            answer = http.get("/v1/events", params=query, headers=dict(auditor.headers))
            listed = answer.raise_for_status().json()
            found += listed.get("events", [])
            token = listed.get("nextPageToken", "")
            if not token:
                break
        return found
