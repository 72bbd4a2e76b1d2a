"""Parking: what a group can't handle waits in order of its key, while other keys go on.

A key is parked while it has a row in `bridge.parked_keys`; its events, the first that failed and
all later ones, stand in `bridge.parked` in order of id. The consumer holds the key's row (for key
share) in each transaction that adds to it, the redrive (for update) in the one that ends it.
"""
