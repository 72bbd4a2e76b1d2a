"""How events of older major versions are read, by whichever service reads them.

One list for all: an event is read by its own service and by others, and must mean the same to
each. See docs/schemas.md for what an upcaster is and when one is needed.
"""

from bridge.upcasting import Upcasters

UPCASTERS = Upcasters({})
