"""What `causeway events verify` checks: the stores of the platform's services, one by one."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stack.environment import kafka_settings, stores
from stack.errors import Code, StackError
from stack.running import running_platform

if TYPE_CHECKING:
    from bridge.audit.findings import Report
    from bridge.events.catalog import Catalog

SAID_EVERY = 100_000
"""Seals or records between two lines of progress."""
SHOWN = 20
"""Findings of one store that are printed; --json has more."""


async def checked(services: Sequence[str]) -> "list[Report]":
    """Check the stores of `services`, of all if none is named; progress goes to standard error.

    StackError (usage) for a name that is none; CALL_FAILED where the database or Kafka is away.
    """
    from bridge.audit.verify import verify

    platform, _ = running_platform()
    settings, credentials = platform.settings, platform.credentials
    dsns = stores(settings, credentials)
    kafka = kafka_settings(settings, credentials, "observer")
    reports = []
    for name in _chosen(services, list(dsns)):
        try:
            report = await verify(
                dsns[name], kafka, own_events(name), f"/causeway/{name}", progress=_Said(name)
            )
        except Exception as error:
            if not _is_outage(error):
                raise
            raise _away(name, error) from error
        reports.append(report)
    return reports


def _chosen(wanted: Sequence[str], there: Sequence[str]) -> Sequence[str]:
    for name in wanted:
        if name not in there:
            raise StackError(
                Code.UNKNOWN_NAME,
                f"{name} has no store; there are {', '.join(there)}",
                "causeway events verify",
                usage=True,
            )
    return wanted or there


def own_events(service: str) -> "Catalog":
    """The events that a service's own store holds; the bridge's are those from outside."""
    from bridge.events.catalog import Catalog
    from bridge.events.generated import event_modules, events_from_outside

    if service == "bridge":
        return events_from_outside()
    modules = event_modules(service)
    if not modules:
        raise LookupError(f"{service} has no events")
    return Catalog.of(*modules)


def _is_outage(error: Exception) -> bool:
    from bridge.errors import OutOfRange, Unavailable
    from bridge.kafka.errors import KafkaError
    from bridge.outages import is_away

    return is_away(error) or isinstance(error, OSError | KafkaError | OutOfRange | Unavailable)


def _away(name: str, error: Exception) -> StackError:
    return StackError(
        Code.CALL_FAILED,
        f"the store of {name} could not be checked: {str(error) or type(error).__name__}",
        "causeway status",
    )


class _Said:
    """Progress as a line on standard error, now and then."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._said = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        if done < self._said:
            self._said = 0
        if done - self._said >= SAID_EVERY:
            self._said = done
            sys.stderr.write(f"{self._service}: {done:,} of {total:,} {what}\n")
            sys.stderr.flush()


def as_json(report: "Report") -> dict[str, Any]:
    """For a program to read."""
    return {
        "source": report.source,
        "clean": report.clean,
        "seals": report.seals,
        "heads": report.heads,
        "anchored": report.anchored,
        "records": report.records,
        "duplicates": report.duplicates,
        "inFlight": report.in_flight,
        "counts": {kind.name: count for kind, count in report.counts.items()},
        "findings": [finding.fields() for finding in report.findings],
    }


def report_text(report: "Report") -> str:
    """For a person: one line if all is well, else what is wrong, and where."""
    seen = (
        f"{report.seals:,} sealed events, {report.heads:,} heads, {report.records:,} records "
        f"({report.duplicates:,} sent twice, {report.in_flight:,} on their way)"
    )
    if report.clean:
        return f"{report.source}: clean. {seen}; anchored up to seal {report.anchored:,}"
    total = sum(report.counts.values())
    lines = [f"{report.source}: {total:,} finding{'s' if total != 1 else ''}. {seen}"]
    lines += [f"  {finding}" for finding in report.findings[:SHOWN]]
    if total > SHOWN:
        lines.append(f"  … {total - SHOWN:,} more; --json lists up to 1,000 of each kind")
    return "\n".join(lines)
