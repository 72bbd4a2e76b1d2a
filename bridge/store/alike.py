"""One failure that many callers are told of."""

from copy import copy


def alike(error: Exception) -> Exception:
    """An error like it for one caller alone: each adds its frames."""
    made = copy(error)
    made.__cause__ = error
    return made
