"""The tour for people: a line a hop, the mail in full."""

from dataclasses import asdict

from stack.tour.journey import Hop

WORDS = {
    "registration": "a fresh customer is registered through the edge",
    "token": "Keycloak gave it a token",
    "edge": "Envoy checked the token and passed the order on",
    "service": "Orders answered",
    "store": "the event is in the store of Orders",
    "kafka": "the relay brought it to Kafka",
    "credit": "Users reserved the credit",
    "confirmation": "Orders confirmed",
    "mail": "Notifications sent the mail",
}


def hop_text(hop: Hop) -> str:
    """`   12.3 ms  kafka         the relay brought it to Kafka: topic=… partition=1 …`"""
    facts = {name: value for name, value in hop.facts.items() if name != "text"}
    told = "  ".join(f"{name}={value}" for name, value in facts.items())
    lines = [
        f"{hop.elapsed_ms:9.1f} ms  {hop.name:<13} {WORDS[hop.name]}",
        f"{'':12}  {'':<13} {told}",
    ]
    text = str(hop.facts.get("text", ""))
    lines += [f"{'':12}  {'':<13} | {line}" for line in text.splitlines()]
    return "\n".join(lines)


def hops_json(hops: list[Hop], missing: str | None) -> dict[str, object]:
    """`{"complete": …, "missing": name or null, "hops": [{name, elapsed_ms, facts}]}`"""
    return {
        "complete": missing is None,
        "missing": missing,
        "hops": [asdict(hop) for hop in hops],
    }
