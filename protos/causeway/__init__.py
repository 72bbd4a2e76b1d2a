"""Generated from the protos beside it (`make generate`).

A regular package: as a namespace package it would be joined with any folder named `causeway` on
the path, such as a checkout of this repository beside a script.
"""
