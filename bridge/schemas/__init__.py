"""The schema gate: no change of an event may make a stored or a running one unreadable.

Everything is asked of a `Catalog` and of the corpus, a folder with one file per released version.
"""
