r"""The errata of the derivation as a LaTeX document, for its author.

What stands in it comes from the recorded data alone; prose is escaped, its formulas and those of the print are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .discrepancies import OUTCOMES
from .notation import Piece, condition, pieces, quoted
from .recorded import Recorded

HEAD = r"""\documentclass[11pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage{amsmath,amssymb}
\usepackage[margin=28mm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\title{Errata for ``Derivation of (Deep) RNN''}
\author{}
\date{}
\begin{document}
\maketitle
"""

INTRODUCTION = (
    "Every line of the {equations} numbered equations of the document was executed as it is printed, and held against "
    "what JAX derives by automatic differentiation from the forward pass: exactly, over a finite field with random "
    "functions for f and f'; as enclosures over the real numbers; and in floating point. {hold} equations hold as "
    "printed, {misprint} do not. The numbers of the equations are the document's own, 1 to {equations}."
)

_ESCAPES = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "{}$&#_%"},
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\n": " ",
}
_DIAG = re.compile(r"(?<![\\A-Za-z{])diag(?![A-Za-z}])")


def latex(recorded: Recorded) -> str:
    """The errata sheet, a LaTeX document that stands alone.

    Raises
    ------
    RecordedError
        If a counterexample is not what its network gives.
    """
    return "\n".join(_lines(recorded.verdicts)) + "\n"


def escaped(text: str) -> str:
    """Words as LaTeX shows them."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    summary = data["summary"]
    hold = summary["definition"] + summary["holds"]
    yield HEAD
    yield _prose(INTRODUCTION.format(**summary, hold=hold))
    yield ""
    yield r"\section*{Misprints}"
    for entry in data["equations"]:
        if entry["verdict"] == "misprint":
            yield from _misprint(entry)
    yield ""
    yield r"\section*{What is left open, or holds in part}"
    yield r"\begin{description}"
    for claim in data["claims"]:
        if claim["verdict"] != "holds":
            yield (
                rf"\item[Section {escaped(claim['section'])}.] "
                rf"``{_joined(quoted(claim['quote']))}''\\ {_prose(claim['finding'])}"
            )
    yield r"\end{description}"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(data["environment"].items()))
    yield rf"\vfill\small Made by \texttt{{bptt-oracle report}} from recorded evidence ({escaped(versions)})."
    yield r"\end{document}"


def _misprint(entry: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield rf"\subsection*{{Equation ({entry['number']}), section {escaped(entry['section'])}}}"
    for line in entry["lines"]:
        if line["verdict"] == "fails" and line["corrected"] is not None:
            of = f"Line {line['line']}, printed" if len(entry["lines"]) > 1 else "Printed"
            yield f"{of}{_where(entry, 'printed')}:"
            yield rf"\[ {_formula(line['latex'])} \]"
            yield f"Read{_where(entry, 'corrected')}:"
            yield rf"\[ {_formula(line['corrected']['latex'])} \]"
    yield f"What changes: {_prose(entry['change'])}."
    if entry["counterexamples"]:  # one is enough, and another value is the plainest
        yield ""
        yield from _example(entry, min(entry["counterexamples"], key=lambda example: example["outcome"] != "differs"))


def _example(entry: Mapping[str, Any], example: Mapping[str, Any]) -> Iterator[str]:
    from .worked import worked

    steps = worked(entry["number"], example)
    at = ", ".join(f"${name} = {value}$" for name, value in example["at"].items())
    classes = ", ".join(map(str, steps.classes))
    given = ", ".join(f"${_formula(parameter)}$" for parameter in steps.parameters)
    inputs = ", ".join(f"${cell}$" for cell in steps.forward[0].cells if cell)
    yield (
        f"Example: line {example['line']} {OUTCOMES[example['outcome']]} at {at}. "
        f"With {given}, inputs $x$ = {inputs}, class{'es' if len(steps.classes) > 1 else ''} {classes} (counted "
        "from 1), $f(u) = u$ and softmax for $g$,"
    )
    printed = [part for part in (steps.printed.substituted, steps.printed.value) if part is not None]
    if printed:
        yield "the print gives"
        yield rf"\[ {_formula(' = '.join(dict.fromkeys(printed)))} \]"
        if steps.printed.misfit:
            yield f"({escaped(steps.printed.misfit)})"
    else:
        yield f"the print is {_prose(example['printed'])};"
    yield f"automatic differentiation gives ${_formula(steps.truth)}$."


def _where(entry: Mapping[str, Any], variant: str) -> str:
    """The range of a reading, where the two readings differ in it."""
    if entry["printed_where"] == entry["corrected_where"]:
        return ""
    return " for " + ", ".join(f"${condition(text)}$" for text in entry[f"{variant}_where"])


def _formula(text: str) -> str:
    return _DIAG.sub(r"\\operatorname{diag}", text)


def _prose(text: str) -> str:
    return _joined(pieces(text))


def _joined(parts: Iterator[Piece]) -> str:
    written = {"math": lambda text: f"${_formula(text)}$", "reference": lambda text: f"({text})", "text": escaped}
    return "".join(written[part.kind](part.content) for part in parts)
