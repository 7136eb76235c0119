"""A backprop that gives no answer, and the name of the reason."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - it is an answer of the program, not an error of the caller
    """What a door raises in place of an answer, when it already knows what went wrong.

    Parameters
    ----------
    slug
        Of the finding in the catalogue: "crash", "garbage", "time-limit", "structure", "too-large", "exception".
    message
        One sentence.
    detail
        What a person needs beside it, over lines: what a program wrote to its standard error.
    """

    def __init__(self, slug: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.slug = slug
        self.message = message
        self.detail = detail
