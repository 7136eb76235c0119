"""The catalogue of the 46 equations, read from `catalogue.toml`, which was written from the document.

It says what the document prints, where, and what the left-hand side is; never whether it is true.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from .conditions import Condition, Term

Variant = Literal["printed", "corrected"]
_SYMBOL = re.compile(r"(\w+)\(([^)]*)\)")


class CatalogueError(ValueError):
    """The catalogue asks for an equation that does not exist, or is not well formed."""


@dataclass(frozen=True)
class Line:
    """One "=" of an equation.

    Attributes
    ----------
    number : from 1, in the order of the print
    latex : the right-hand side of this "="
    one_hot : whether it speaks of the class k, so that it needs one-hot targets
    source : "printed", or "reconstructed" or "fragment" where the extraction lost the line or a part of it
    cases : conditions that split the line
    """

    number: int
    latex: str
    one_hot: bool
    source: str
    cases: tuple[tuple[Condition, ...], ...]


@dataclass(frozen=True)
class Reading:
    """An equation as printed, or as corrected: its lines and where they are claimed."""

    variant: Variant
    lines: tuple[Line, ...]
    where: tuple[Condition, ...]


@dataclass(frozen=True)
class Equation:
    """One numbered equation.

    Attributes
    ----------
    number, section, states, kind : kind is "definition" or "claim"
    lhs : LaTeX of the left-hand side
    symbol, at : name and indices of the quantity on the left-hand side
    printed, corrected : the readings; `corrected` is None where there is no correction
    stated : those of the printed reading's conditions that the document prints; the others follow from its symbols
    change : what the correction changes, in words
    extraction : what the extraction of the PDF did to it, or None
    """

    number: int
    section: str
    states: str
    kind: str
    lhs: str
    symbol: str
    at: tuple[Term, ...]
    printed: Reading
    corrected: Reading | None
    stated: tuple[str, ...]
    change: str | None
    extraction: str | None

    def reading(self, variant: Variant) -> Reading:
        """The reading as printed or as corrected; CatalogueError if there is no correction."""
        if variant == "printed":
            return self.printed
        if variant != "corrected":
            raise CatalogueError(f'expected the reading "printed" or "corrected", but got {variant!r}')
        if self.corrected is None:
            raise CatalogueError(f"equation ({self.number}): there is no corrected reading")
        return self.corrected

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The printed reading, and the corrected one if there is one."""
        return (self.printed,) if self.corrected is None else (self.printed, self.corrected)

    def left_hand_side(self, values: Mapping[str, int]) -> tuple[int, ...]:
        """The indices of the quantity on the left-hand side, for values of the equation's indices, n and T."""
        return tuple(term.at(values) for term in self.at)


def _line(number: int, entry: Mapping[str, Any], latex: str) -> Line:
    return Line(
        number=number,
        latex=latex,
        one_hot=entry.get("one_hot", False),
        source=entry.get("source", "printed"),
        cases=tuple(tuple(Condition.parse(part) for part in case.split(",")) for case in entry.get("cases", [])),
    )


def _equation(entry: Mapping[str, Any]) -> Equation:
    match = _SYMBOL.fullmatch(entry["symbol"])
    if match is None:
        raise CatalogueError(f"equation ({entry['number']}): expected a symbol such as z(l,t), got {entry['symbol']!r}")
    lines = list(enumerate(entry["lines"], start=1))
    where = tuple(Condition.parse(text) for text in entry["where"])
    stated = tuple(entry.get("stated", ()))
    if unknown := set(stated) - set(entry["where"]):
        raise CatalogueError(f"equation ({entry['number']}): stated, but not in where: {sorted(unknown)}")
    corrected = None
    if "corrected" in entry:
        correction = entry["corrected"]
        latex = {int(number): text for number, text in correction.get("lines", {}).items()}
        corrected = Reading(
            variant="corrected",
            lines=tuple(_line(number, line, latex.get(number, line["latex"])) for number, line in lines),
            where=tuple(Condition.parse(text) for text in correction.get("where", entry["where"])),
        )
    return Equation(
        number=entry["number"],
        section=entry["section"],
        states=entry["states"],
        kind=entry.get("kind", "claim"),
        lhs=entry["lhs"],
        symbol=match[1],
        at=tuple(Term.parse(text) for text in match[2].split(",") if text),
        printed=Reading("printed", tuple(_line(number, line, line["latex"]) for number, line in lines), where),
        corrected=corrected,
        stated=stated,
        change=entry.get("corrected", {}).get("change"),
        extraction=entry.get("extraction"),
    )


@cache
def _contents() -> dict[str, Any]:
    return tomllib.loads(files("bptt_oracle").joinpath("catalogue.toml").read_text(encoding="utf-8"))


def document() -> str:
    """The title of the document."""
    return str(_contents()["document"])


@cache
def equations() -> Mapping[int, Equation]:
    """All equations by number, in order; CatalogueError if a number stands twice."""
    entries = [_equation(entry) for entry in _contents()["equation"]]
    by_number = {entry.number: entry for entry in entries}
    if len(by_number) != len(entries):
        raise CatalogueError("a number stands twice in the catalogue")
    return dict(sorted(by_number.items()))


def equation(number: int) -> Equation:
    """Equation `number`; CatalogueError if the document has none of that number."""
    if number not in equations():
        raise CatalogueError(
            f"expected the number of an equation, {min(equations())}..{max(equations())}, but got {number}"
        )
    return equations()[number]
