"""Middlewares of handlers: one concern, one function, one file."""
