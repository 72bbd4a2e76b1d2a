"""A hop that is not there, or not as it should be."""


class Refused(Exception):  # noqa: N818 (a hop was refused; whether by error the text says)
    """The text says what was asked and what came back."""
