"""Verdicts, worked out from evidence: nothing here knows which equations are misprints.

A line holds only if all three kinds of evidence say so: equality over the finite field, overlapping enclosures, and
floating-point results inside their bounds. One disagreement over the field or between enclosures is proof that it
fails. Where evidence is missing the verdict is "unverified".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from .arithmetic.formats import FORMATS
from .catalogue import Equation, Line, Reading, document, equations
from .checking import FAILURES, MODES, Key, Outcome, Tallies, Tally, function_of
from .theorems import Theorems

if TYPE_CHECKING:  # what follows needs python-flint, without which there is no evidence, but still a verdict
    from .certainty import Certainty
    from .claims import Claim
    from .counterexamples import Counterexample
    from .evidence import Gathered
    from .floating import Floating
    from .growth import Row
    from .nodes import Certificate

Verdict = Literal["definition", "holds", "misprint", "unverified"]
LineVerdict = Literal["holds", "fails", "unverified"]
LEAST_INSTANCES = 1
EXACT = ("field", "balls")


@dataclass(frozen=True)
class Evidence:
    """All that was gathered.

    Attributes
    ----------
    gathered : by exact arithmetic, "field" and "balls"; one that could not run is missing
    floating : by format, then by equation
    growth : errors by length and depth
    nodes : the certificates of every kind of node
    theorems : what Coq proved, if it did here
    certainty : bounds for the field; None if it did not run
    counterexamples : the smallest, by equation, line and outcome
    claims : the claims in prose
    seed : of all draws
    missing : what could not run, and why
    uses : (M, N) if equation (M) asked for a value that equation (N) gave
    environment : versions of what ran
    """

    gathered: Mapping[str, Gathered]
    floating: Mapping[str, Mapping[int, Floating]]
    growth: Sequence[Row]
    certainty: Certainty | None
    nodes: Sequence[Certificate]
    theorems: Theorems
    counterexamples: Mapping[tuple[int, int, Outcome], Counterexample]
    claims: tuple[Claim, ...]
    seed: int
    missing: Mapping[str, str]
    uses: frozenset[tuple[int, int]]
    environment: Mapping[str, str]


def tallied(tallies: Tallies, number: int, variant: str, line: int) -> list[Tally]:
    """The tallies of a line, one for each mode and case."""
    return [tally for key, tally in tallies.items() if (key.number, key.variant, key.line) == (number, variant, line)]


def line_verdict(evidence: Evidence, equation: Equation, reading: Reading, line: Line) -> LineVerdict:
    """The verdict on one line of one reading."""
    complete = evidence.certainty is not None  # without a bound for it, agreement over the field proves nothing
    for world in EXACT:
        gathered = evidence.gathered.get(world)
        tallies = {} if gathered is None else gathered.tallies
        if any(tally.failed for tally in tallied(tallies, equation.number, reading.variant, line.number)):
            return "fails"
        cases = range(1, len(line.cases) + 1) if line.cases else [0]
        complete &= gathered is not None and not gathered.undecided
        for mode in MODES:
            for case in cases:
                met = tallies.get(Key(equation.number, reading.variant, line.number, case, mode))
                complete &= met is not None and met.instances >= LEAST_INSTANCES
    return "holds" if complete and floats_hold(evidence, equation.number) else "unverified"


def floats_hold(evidence: Evidence, number: int) -> bool:
    """Whether both sides lie within their bounds, in every format, wherever a bound is proved."""
    return all(name in evidence.floating and evidence.floating[name][number].within for name in FORMATS)


def reading_verdict(evidence: Evidence, equation: Equation, reading: Reading) -> LineVerdict:
    """Whether any line fails, or all hold."""
    lines = [line_verdict(evidence, equation, reading, line) for line in reading.lines]
    return "fails" if "fails" in lines else "unverified" if "unverified" in lines else "holds"


def verdict(evidence: Evidence, equation: Equation) -> Verdict:
    """The verdict on one equation as printed; a misprint has a correction that holds, else it is unverified.

    An equation whose right reading a certificate of a node contradicts is unverified too, whatever its lines say.
    """
    if any(node.equation == equation.number and node.disagreements for node in evidence.nodes):
        return "unverified"
    printed = reading_verdict(evidence, equation, equation.printed)
    if printed == "holds":
        return "definition" if equation.kind == "definition" else "holds"
    if printed == "fails" and equation.corrected is not None:
        corrected = reading_verdict(evidence, equation, equation.corrected)
        return "misprint" if corrected == "holds" else "unverified"
    return "unverified"


def failing_lines(gathered: Mapping[str, Gathered]) -> dict[tuple[int, int], list[Outcome]]:
    """The lines, as printed, that fail, and how: {(equation, line): outcomes}."""
    found: dict[tuple[int, int], set[Outcome]] = {}
    for world in gathered.values():
        for key, tally in world.tallies.items():
            if key.variant == "printed" and tally.failed:
                found.setdefault((key.number, key.line), set()).update(tally.failures)
    return {at: [outcome for outcome in FAILURES if outcome in outcomes] for at, outcomes in sorted(found.items())}


# --------------------------------------------------------------------------------------------------------- as data


def as_data(evidence: Evidence) -> dict[str, Any]:
    """The verdicts as `reports/verdicts.json` holds them."""
    entries = [_equation(evidence, equation) for equation in equations().values()]
    return {
        "document": document(),
        "summary": {
            "equations": len(entries),
            "lines": sum(len(entry["lines"]) for entry in entries),
            **{
                name: sum(entry["verdict"] == name for entry in entries)
                for name in ("definition", "holds", "misprint", "unverified")
            },
        },
        "equations": entries,
        "claims": [
            {
                "slug": claim.slug,
                "section": claim.section,
                "quote": claim.quote,
                "verdict": claim.verdict,
                "finding": claim.finding,
                "evidence": claim.evidence,
            }
            for claim in evidence.claims
        ],
        "quantities": {} if "field" not in evidence.gathered else _named(evidence.gathered["field"]),
        "certificates": {
            world: [f"{world}:{description}" for description in gathered.descriptions]
            for world, gathered in evidence.gathered.items()
        },
        "nodes": [asdict(certificate) for certificate in evidence.nodes],
        "proof": evidence.theorems.status,
        "missing": dict(evidence.missing),
        "environment": dict(evidence.environment) | {"seed": evidence.seed},
    }


def _named(field: Gathered) -> dict[str, dict[str, int]]:
    return {name: asdict(count) for name, count in sorted(field.named.items())}


def _equation(evidence: Evidence, equation: Equation) -> dict[str, Any]:
    right = equation.corrected or equation.printed
    return {
        "number": equation.number,
        "section": equation.section,
        "states": equation.states,
        "verdict": verdict(evidence, equation),
        "printed": _latex(equation, equation.printed),
        "printed_where": _where(equation.printed),
        "stated_where": list(equation.stated),
        "corrected": None if equation.corrected is None else _latex(equation, equation.corrected),
        "corrected_where": None if equation.corrected is None else _where(equation.corrected),
        "change": equation.change,
        "extraction": equation.extraction,
        "lines": [_line(evidence, equation, line) for line in equation.printed.lines],
        "counterexample": next(iter(_counterexamples(evidence, equation.number)), None),
        "counterexamples": _counterexamples(evidence, equation.number),
        "evidence": {
            "field": _exact(evidence, equation, right, "field"),
            "balls": _exact(evidence, equation, right, "balls"),
            "floating": _floating(evidence, equation.number),
        },
        "proof": evidence.theorems.of(equation.number),
        "function": _path(equation.number, "printed"),
        "corrected_function": None if equation.corrected is None else _path(equation.number, "corrected"),
        "uses": sorted(used for user, used in evidence.uses if user == equation.number),
    }


def _latex(equation: Equation, reading: Reading) -> str:
    return " \\\\ ".join(f"{equation.lhs if line.number == 1 else ''} = {line.latex}".strip() for line in reading.lines)


def _where(reading: Reading) -> list[str]:
    return [condition.text for condition in reading.where]


def _path(number: int, variant: Literal["printed", "corrected"]) -> str:
    function = function_of(number, variant)
    return f"{function.__module__}.{function.__qualname__}"


def _line(evidence: Evidence, equation: Equation, line: Line) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "line": line.number,
        "latex": line.latex,
        "source": line.source,
        "verdict": line_verdict(evidence, equation, equation.printed, line),
        "failures": _failures(evidence, equation.number, line.number),
        "corrected": None,
    }
    if equation.corrected is not None:
        corrected = equation.corrected.lines[line.number - 1]
        entry["corrected"] = {
            "latex": corrected.latex,
            "verdict": line_verdict(evidence, equation, equation.corrected, corrected),
        }
    return entry


def _failures(evidence: Evidence, number: int, line: int) -> dict[str, dict[str, int]]:
    """For each exact arithmetic, how many comparisons of the printed line failed, by outcome, and of how many."""
    result: dict[str, dict[str, int]] = {}
    for world, gathered in evidence.gathered.items():
        total = Tally()
        for tally in tallied(gathered.tallies, number, "printed", line):
            total.add(tally)
        if total.failed:
            result[world] = {outcome: total.failures[outcome] for outcome in FAILURES if outcome in total.failures}
            result[world]["comparisons"] = total.comparisons
    return result


def _counterexamples(evidence: Evidence, number: int) -> list[dict[str, Any]]:
    return [
        {
            "line": example.line,
            "outcome": example.outcome,
            "at": dict(example.at),
            "widths": list(example.instance.description.d),
            "autodiff": example.left,
            "printed": example.right,
            "python": example.python(),
        }
        for (of, _, _), example in evidence.counterexamples.items()
        if of == number
    ]


def _exact(evidence: Evidence, equation: Equation, reading: Reading, world: str) -> dict[str, Any] | None:
    gathered = evidence.gathered.get(world)
    if gathered is None:
        return None
    by_line = {
        line.number: tallied(gathered.tallies, equation.number, reading.variant, line.number) for line in reading.lines
    }
    entry: dict[str, Any] = {
        "reading": reading.variant,
        "shapes": min(max((tally.instances for tally in tallies), default=0) for tallies in by_line.values()),
        "comparisons": sum(tally.comparisons for tallies in by_line.values() for tally in tallies),
        "disagreements": sum(tally.failed for tallies in by_line.values() for tally in tallies),
        "undecided": list(gathered.undecided),
    }
    if world == "field" and evidence.certainty is not None:
        entry["degree"] = evidence.certainty.degree(equation.number)
        entry["false_pass_log2"] = evidence.certainty.bits(equation.number)
    if world == "balls":
        entry["bits"] = gathered.bits
    return entry


def _floating(evidence: Evidence, number: int) -> dict[str, Any] | None:
    if not evidence.floating:
        return None
    return {
        name: {"instances": by_number[number].instances, "within_bound": by_number[number].within}
        for name, by_number in evidence.floating.items()
    }
