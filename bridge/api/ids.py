"""Ids in names of resources, as the database has them."""

from uuid import UUID


def is_id(text: str) -> bool:
    """Whether it is a UUID in its one spelling: lower case, with four dashes.

    `UUID` reads others too, which are other names and nobody's.
    """
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
