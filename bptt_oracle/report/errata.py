r"""The errata of the derivation as a LaTeX document, for its author.

What stands in it comes from the recorded data alone; prose is escaped, its formulas and those of the print are not.
It asks for nothing beyond what every LaTeX has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..catalogue import equation
from .changes import marked
from .discrepancies import OUTCOMES
from .notation import Piece, condition, pieces, quoted
from .recorded import Recorded

if TYPE_CHECKING:
    from .worked import Row, WorkedExample

HEAD = r"""\documentclass[11pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{textcomp}
\usepackage{amsmath,amssymb}
\usepackage{color}
\usepackage[a4paper,hmargin=27mm,top=24mm,bottom=26mm]{geometry}
\definecolor{wrong}{rgb}{0.64,0.14,0.16}
\definecolor{right}{rgb}{0.10,0.38,0.25}
\newcommand{\wrong}[1]{{\color{wrong}\underline{#1}}}
\newcommand{\corrected}[1]{{\color{right}\underline{#1}}}
\newenvironment{together}[1]
  {\par\medskip\noindent\begin{minipage}{\linewidth}\setlength{\parskip}{3pt}\textbf{#1}\par}
  {\end{minipage}\par}
\newcommand{\reading}[2]{\par\smallskip\makebox[19mm][l]{\itshape #1}$\displaystyle #2$\par}
\setlength{\parindent}{0pt}
\setlength{\parskip}{5pt}
\setlength{\arraycolsep}{4pt}
\renewcommand{\arraystretch}{1.1}
\raggedbottom
\frenchspacing
\begin{document}
"""

INTRODUCTION = (
    "Every line of the {equations} numbered equations of the document was executed as it is printed, and held against "
    "what JAX derives by automatic differentiation from the forward pass alone: exactly, over a finite field with "
    "random functions for f and f'; as enclosures over the real numbers; and in floating point. {hold} equations hold "
    "as printed. {misprint} do not, and are listed below with the change that each of them needs; what changes is "
    "underlined in both readings. The numbers are the document's own, 1 to {equations}."
)
EXAMPLES = (
    "One small network for each misprint, on which the print and the correction part. The numbers are few enough to "
    "redo by hand: f(u) = u throughout, g is softmax, and everything but the line in question follows the right "
    "readings. Decimals are rounded."
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
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")


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
    title, author, date = (escaped(part) for part in data["document"].rsplit(", ", 2))
    versions = {name: escaped(str(version)) for name, version in data["environment"].items()}
    yield HEAD
    yield rf"{{\Large\bfseries Errata for ``{title}''\par}}"
    yield rf"\smallskip {author}, {date}"
    yield ""
    yield r"\medskip\hrule\medskip"
    yield rf"\begin{{tabular}}{{@{{}}ll}}To & {author}, its author\\"
    yield rf"From & \texttt{{bptt-oracle}} {versions['bptt-oracle']}, a program that executes the document"
    yield r"\end{tabular}"
    yield r"\medskip\hrule\bigskip"
    yield ""
    yield _prose(INTRODUCTION.format(**summary, hold=summary["definition"] + summary["holds"]))
    yield r"\section{Misprints}"
    misprints = [entry for entry in data["equations"] if entry["verdict"] == "misprint"]
    wrong = {entry["number"] for entry in misprints}  # of which no claim has to say so again
    for place, entry in enumerate(misprints, start=1):
        yield from _misprint(place, entry)
    yield r"\section{What is left open, or holds in part}"
    yield (
        "These are no misprints. They are places at which the text between the equations leaves something out, or says "
        "more than holds."
    )
    yield r"\begin{enumerate}\setlength{\itemsep}{4pt}"
    for claim in data["claims"]:
        if claim["verdict"] != "holds" and claim["evidence"].get("equation") not in wrong:
            yield rf"\item Section {escaped(claim['section'])}, \emph{{``{_joined(quoted(claim['quote']))}''}}"
            yield ""
            yield _prose(claim["finding"])
    yield r"\end{enumerate}"
    yield r"\appendix"
    yield r"\section{The examples, worked out}"
    yield _prose(EXAMPLES)
    for entry in misprints:
        if entry["counterexamples"]:  # one is enough, and another value is the plainest
            yield from _example(
                entry, min(entry["counterexamples"], key=lambda example: example["outcome"] != "differs")
            )
    yield r"\bigskip\hrule\smallskip"
    others = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()) if name != "seed")
    yield (
        rf"{{\small Made by \texttt{{bptt-oracle report --format latex}} from recorded evidence: {others}; seed of all "
        rf"random draws {versions['seed']}. \texttt{{bptt-oracle verify}} repeats all of it.\par}}"
    )
    yield r"\end{document}"


# ------------------------------------------------------------------------------------------------------- misprints


def _misprint(place: int, entry: Mapping[str, Any]) -> Iterator[str]:
    number = entry["number"]
    lhs = _formula(equation(number).lhs)
    wrong = [line for line in entry["lines"] if line["verdict"] == "fails" and line["corrected"] is not None]
    lines = " and ".join(_ordinal(line["line"]) for line in wrong)
    of = f", the {lines} line" if len(entry["lines"]) > 1 else ""
    yield ""
    yield rf"\begin{{together}}{{{place}.\enspace Section {escaped(entry['section'])}, equation ({number}){of}}}"
    for line in wrong:
        printed, corrected = _marked(line["latex"], line["corrected"]["latex"])
        for name, command, right in (("printed", "wrong", printed), ("corrected", "corrected", corrected)):
            where = _where(entry, name, command)
            yield rf"\reading{{{name}}}{{{lhs} = {right}{where}}}"
    yield ""
    yield rf"\smallskip What changes: {_prose(entry['change'])}. {_evidence(entry)}"
    yield r"\end{together}"


def _ordinal(number: int) -> str:
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"


def _marked(printed: str, corrected: str) -> tuple[str, str]:
    """Both readings, the differences as arguments of the commands of the head."""
    before, after = _formula(printed), _formula(corrected)
    return marked(before, after, r"\wrong")[0], marked(before, after, r"\corrected")[1]


def _where(entry: Mapping[str, Any], variant: str, command: str) -> str:
    """What a reading says of its indices, where the two readings differ in it; the difference marked."""
    other = "corrected" if variant == "printed" else "printed"
    only = [text for text in entry[f"{variant}_where"] if text not in entry[f"{other}_where"]]
    ranges = ", ".join(rf"\{command}{{{condition(text)}}}" for text in only)
    return rf"\qquad\text{{for }} {ranges}" if only else ""


def _evidence(entry: Mapping[str, Any]) -> str:
    """How often the print failed, that the correction never did, and what is proved."""
    failures = next(line["failures"] for line in entry["lines"] if line["verdict"] == "fails")
    exact, found, proof = failures.get("field"), entry["evidence"]["field"], entry["proof"]
    text = ""
    if exact:
        outcomes = {outcome: count for outcome, count in exact.items() if outcome != "comparisons"}
        how = ", ".join(f"{count} times because it {OUTCOMES[outcome]}" for outcome, count in outcomes.items())
        text += f"As printed it fails in {sum(outcomes.values())} of {exact['comparisons']} exact comparisons: {how}. "
    if found:
        text += (
            f"As corrected it fails in {found['disagreements'] or 'none'} of {found['comparisons']}, on at least "
            f"{found['shapes']} shapes of network. "
        )
    if proof["theorems"]:
        false = ", and that the print is false," if proof["print_is_false"] else ""
        text += f"That the corrected reading holds for every size of network{false} is a theorem {proof['status']}."
    return escaped(text)


# -------------------------------------------------------------------------------------------------------- examples


def _example(entry: Mapping[str, Any], example: Mapping[str, Any]) -> Iterator[str]:
    from .worked import worked

    steps = worked(entry["number"], example)
    lhs = _formula(equation(entry["number"]).lhs)
    at = ", ".join(f"{name} = {value}" for name, value in example["at"].items())
    of = f", line {example['line']}" if len(entry["lines"]) > 1 else ""
    yield ""
    widths = ", ".join(map(str, example["widths"]))
    yield rf"\begin{{together}}{{({entry['number']}){of}, at ${at}$; layers of width {widths}}}"
    yield rf"{', '.join(f'${_formula(parameter)}$' for parameter in steps.parameters)}; {_classes(steps)}."
    yield r"\small\["
    yield from _table(steps.forward, [f"t = {t}" for t in steps.times])
    if steps.errors:
        yield r"\qquad"
        yield from _table(steps.errors, [f"i = {t}" for t in steps.times if t])
    yield r"\]"
    printed = " = ".join(dict.fromkeys(part for part in (steps.printed.substituted, steps.printed.value) if part))
    yield from _outcome("printed", lhs, printed or rf"\text{{{_prose(example['printed'])}}}")
    if steps.printed.misfit:
        yield rf"\hspace*{{19mm}}{escaped(steps.printed.misfit)}"
    if steps.corrected is not None:
        parts = (steps.corrected.substituted, steps.corrected.value)
        yield from _outcome("corrected", lhs, " = ".join(dict.fromkeys(part for part in parts if part)))
    yield from _outcome("autodiff", lhs, steps.truth)
    yield r"\end{together}\bigskip"


def _classes(steps: WorkedExample) -> str:
    """The targets, in words."""
    named = ", ".join(f"$k = {k}$ at $t = {t}$" for t, k in enumerate(steps.classes, start=1))
    return f"the right class is {named}, counted from 1"


def _outcome(name: str, lhs: str, right: str) -> Iterator[str]:
    yield rf"\reading{{{name}}}{{{lhs} = {_formula(right)}}}"


def _table(rows: Iterable[Row], header: Iterable[str]) -> Iterator[str]:
    """Quantities by time, or by the loss that they are an error of."""
    columns = [*header]
    yield rf"\begin{{array}}[t]{{@{{}}l|{'c' * len(columns)}@{{}}}}"
    yield rf"& {' & '.join(columns)} \\ \hline"
    for row in rows:
        cells = " & ".join(_formula(cell) for cell in row.cells)
        yield rf"{_formula(row.symbol)} & {cells} \\"
    yield r"\end{array}"


# ---------------------------------------------------------------------------------------------------------- prose


def _formula(text: str) -> str:
    return _DIAG.sub(r"\\operatorname{diag}", text)


def _prose(text: str) -> str:
    return _joined(pieces(text))


def _joined(parts: Iterator[Piece]) -> str:
    written = {"math": lambda text: f"${_formula(text)}$", "reference": lambda text: f"({text})", "text": escaped}
    return "".join(written[part.kind](part.content) for part in parts)
