"""The proof that nothing is open: computed from the protos, by code of its own.

It shares nothing with the compiler that it judges; what it may import is in pyproject.toml.
"""
