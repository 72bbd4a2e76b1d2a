"""Words that depend on a number."""


def counted(number: int, noun: str = "event") -> str:
    """`1 event`, `1,200 events`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
