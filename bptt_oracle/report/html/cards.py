"""The card of each equation: what the page says of it, made from the recorded data and the sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ...catalogue import Equation, equation
from ..discrepancies import OUTCOMES
from ..graph import Node
from ..ranges import Gap
from .mathml import compared, displayed, mathml
from .prose import conditions, prose
from .sources import Checks, Source, function_source

if TYPE_CHECKING:  # needs python-flint, without which there are no counterexamples, but still a page
    from ..worked import Line, WorkedExample

VERDICTS = {
    "definition": ("≔", "definition"),
    "holds": ("✓", "holds"),
    "misprint": ("✗", "misprint"),
    "unverified": ("?", "unverified"),
}
"""The sign and the word for each verdict."""

LINE_SOURCES = {
    "printed": "",
    "reconstructed": "lost by the extraction, reconstructed",
    "fragment": "half lost by the extraction",
}


@dataclass(frozen=True)
class CardLine:
    """One "=": its right-hand side as printed and, where that fails, as corrected, the change marked in both."""

    number: int
    printed: Markup
    corrected: Markup | None
    verdict: str
    note: str


@dataclass(frozen=True)
class Example:
    """A counterexample: what happens, at which indices, and how it is worked out."""

    line: int
    outcome: str
    at: Markup
    widths: str
    autodiff: str
    printed: str
    python: str
    steps: WorkedExample
    written: Mapping[str, Markup | None]


@dataclass(frozen=True)
class Card:
    """One equation.

    Attributes
    ----------
    entry : its data in `verdicts.json`
    title : what it states
    lhs : its left-hand side
    stated : the indices for which the document states it
    corrected : those of the corrected reading; None where they are the same
    understood : the indices at which its symbols exist, which the document does not print
    lines : its lines
    examples : its counterexamples
    functions : the functions that state it, as printed and corrected
    tests : the tests that are run for it; None where the sources of the tests are not there
    node : its place in the graph
    rests_on : all equations that it rests on, directly or through others
    corrected_below : the misprints among them, whose corrected readings it rests on
    gap : what its printed range leaves out, if it holds and its range leaves out something
    floating : for each format its figures; empty where there are none
    wrong : the wrong readings of it that have to be rejected
    """

    entry: Mapping[str, Any]
    title: Markup
    lhs: Markup
    stated: Markup
    corrected: Markup | None
    understood: Markup
    lines: tuple[CardLine, ...]
    examples: tuple[Example, ...]
    functions: tuple[Source, ...]
    tests: Checks | None
    node: Node
    rests_on: tuple[int, ...]
    corrected_below: tuple[int, ...]
    gap: Gap | None = None
    floating: Mapping[str, Any] = field(default_factory=dict)
    wrong: tuple[Mapping[str, Any], ...] = ()

    @property
    def number(self) -> int:
        """The equation's number."""
        return int(self.entry["number"])

    @property
    def sign(self) -> str:
        """The sign of its verdict."""
        return VERDICTS[self.entry["verdict"]][0]


def card(
    entry: Mapping[str, Any],
    node: Node,
    rests_on: tuple[int, ...],
    corrected_below: tuple[int, ...],
    gap: Gap | None,
    tests: Checks | None,
    floating: Mapping[str, Any],
    wrong: tuple[Mapping[str, Any], ...],
) -> Card:
    """The card of one equation, from its entry in `verdicts.json` and what belongs to it elsewhere."""
    stated = equation(entry["number"])
    understood = [text for text in entry["printed_where"] if text not in entry["stated_where"]]
    corrected = [text for text in entry["corrected_where"] or entry["printed_where"] if text not in understood]
    functions = [function_source(stated.number, "printed")]
    if entry["corrected_function"] not in (None, entry["function"]):
        functions.append(function_source(stated.number, "corrected"))
    return Card(
        entry=entry,
        title=prose(_capital(entry["states"]), links=False),
        lhs=displayed(stated.lhs),
        stated=conditions(entry["stated_where"], corrected),
        corrected=conditions(corrected, entry["stated_where"]) if corrected != entry["stated_where"] else None,
        understood=conditions(understood),
        lines=tuple(_line(line) for line in entry["lines"]),
        examples=tuple(_example(stated, example) for example in entry["counterexamples"]),
        functions=tuple(functions),
        tests=tests,
        node=node,
        rests_on=rests_on,
        corrected_below=corrected_below,
        gap=gap,
        floating={name: found[str(stated.number)] for name, found in floating.items() if str(stated.number) in found},
        wrong=wrong,
    )


def _capital(text: str) -> str:
    """A sentence with a capital, unless it begins with a symbol."""
    symbol = text.split(" ", 1)[0] in ("delta", "gamma")
    return text if symbol else text[0].upper() + text[1:]


def _line(line: Mapping[str, Any]) -> CardLine:
    printed, corrected = displayed(line["latex"]), None
    if line["verdict"] == "fails" and line["corrected"] is not None:
        printed, corrected = compared(line["latex"], line["corrected"]["latex"])
    return CardLine(line["line"], printed, corrected, line["verdict"], LINE_SOURCES[line["source"]])


def _example(stated: Equation, example: Mapping[str, Any]) -> Example:
    from ..worked import worked

    steps = worked(stated.number, example)
    at = ", ".join(f"{name} = {value}" for name, value in example["at"].items())
    return Example(
        line=example["line"],
        outcome=OUTCOMES[example["outcome"]],
        at=mathml(at),
        widths=", ".join(map(str, example["widths"])),
        autodiff=example["autodiff"],
        printed=example["printed"],
        python=example["python"],
        steps=steps,
        written={"printed": _written(steps.printed), "corrected": _written(steps.corrected)},
    )


def _written(line: Line | None) -> Markup | None:
    """A line with its numbers put in, and what it gives."""
    if line is None:
        return None
    parts = [part for part in (line.substituted, line.value) if part is not None]
    return mathml(" = ".join(dict.fromkeys(parts))) if parts else None
