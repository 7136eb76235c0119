"""What the oracle says: whether a backprop is right, and if not, what was done."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .conventions import Conventions


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong, by name.

    Attributes
    ----------
    slug : its name in the catalogue, or "measured" or "located"
    equation : the number of the equation that it violates; None where none is
    message : what is wrong, in a sentence
    where : the tensors, layers and times, as in the document
    looks_like, remedy : what the code probably looks like, and what to write instead
    certainty : how sure this is
    alternatives : slugs that cannot be told apart from it on the networks asked about
    detail : what else a person needs, over lines: a traceback, a table
    deviations : of a mistake that is named, the texts with which `variations.simulate` repeats it
    last_equation : the number of the last one, where it violates several that follow one another
    """

    slug: str
    equation: int | None
    message: str
    where: str = ""
    looks_like: str = ""
    remedy: str = ""
    certainty: str = ""
    alternatives: tuple[str, ...] = ()
    detail: str = ""
    deviations: tuple[str, ...] = ()
    last_equation: int | None = None


@dataclass(frozen=True)
class Discrepancy:
    """One gradient, or the loss, that lies outside its bound: its worst entry.

    Attributes
    ----------
    probe : the network, as text
    tensor : "dJ/dH^(1)", or "J"
    entry : index of the worst entry, from 0
    yours, truth, difference, bound : there
    outside, size : how many of how many entries lie outside their bounds
    """

    probe: str
    tensor: str
    entry: tuple[int, ...]
    yours: float
    truth: float
    difference: float
    bound: float
    outside: int
    size: int


@dataclass(frozen=True, repr=False)
class Result:
    """The verdict on one backprop.

    Attributes
    ----------
    ok : whether every answer lies within its bounds and no contract is broken
    mistakes : what is wrong, the most certain first
    discrepancies : the gradients outside their bounds
    conventions : declared or found out
    declared : names of those that were declared
    remarks : what is not wrong but should be known: "correct, for the sum over t"
    limits : what f could not be asked, and why
    asked : the networks, as text
    truth : what the answers were held against
    seed : of all networks
    again : the command that repeats this, where it is not a call of `check`
    """

    ok: bool
    mistakes: tuple[Mistake, ...]
    discrepancies: tuple[Discrepancy, ...]
    conventions: Conventions
    remarks: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    truth: str = ""
    seed: int = 0
    name: str = field(default="")
    declared: tuple[str, ...] = ()
    again: str = ""

    def __str__(self) -> str:
        from .text import text

        return text(self)

    __repr__ = __str__

    def as_data(self) -> dict[str, Any]:
        """The verdict as JSON data."""
        data = asdict(self)
        if not isinstance(self.conventions.activation, str):
            data["conventions"]["activation"] = "given"
        return data
