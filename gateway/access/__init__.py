"""Model → the access matrix: who may call what, as data and as a page."""
