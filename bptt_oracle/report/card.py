"""The card of one equation: what it says, what the code says, and what a quick check finds."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

from ..catalogue import Equation, Reading, equation
from ..checking import MODES, Key, Tally, function_of
from ..claims import claims_about
from ..counterexamples import smallest
from ..evidence import Gathered, Plan, field_evidence
from ..theorems import theorems
from ..verdicts import failing_lines

SHAPES = 8


def card(number: int) -> str:
    """The card of equation `number`, with a check over the finite field made on the spot.

    Raises
    ------
    CatalogueError
        If there is no such equation.
    """
    return "\n".join(_lines(equation(number)))


def _lines(shown: Equation) -> Iterator[str]:
    gathered = Gathered()
    descriptions = Plan(field=SHAPES).descriptions("field")
    for description in descriptions:
        gathered.add(field_evidence(description, (shown.number,)))
    failing = failing_lines({"field": gathered})
    yield f"({shown.number})  {shown.states}  [section {shown.section}]"
    yield found(shown, [_outcome(gathered, shown.number, reading) for reading in shown.readings])
    for claim in claims_about(shown.number):
        yield f"{claim.slug}, {claim.verdict}: {claim.finding}"
    if shown.extraction:
        yield f"The text of the PDF, as programs extract it: {shown.extraction}."
    for reading in shown.readings:
        yield ""
        yield f"{'As printed' if reading.variant == 'printed' else 'Corrected: ' + str(shown.change)}"
        yield f"  {shown.lhs}        for {', '.join(c.text for c in reading.where) or 'all networks'}"
        for line in reading.lines:
            tally = _total(gathered, shown.number, reading, line.number)
            outcome = "not met" if tally.comparisons == 0 else f"{tally.failed} of {tally.comparisons} comparisons fail"
            source = "" if line.source == "printed" else f"  ({line.source})"
            yield f"  {line.number}. = {line.latex}{source}"
            yield f"        {outcome}"
    yield ""
    yield (
        f"Checked against autodiff over GF(2^61 - 1), locally and chained, "
        f"on {len(descriptions)} networks, seed {Plan().seed}."
    )
    for (of, failed), outcomes in failing.items():
        for outcome in outcomes:
            example = smallest(of, failed, outcome)
            if example is not None:
                yield ""
                yield f"Smallest network on which line {failed} fails ({outcome}):"
                yield f"  autodiff gives {example.left}"
                yield f"  the print gives {example.right}"
                yield ""
                yield from (f"    {text}" for text in example.python().splitlines())
    known = theorems()
    for proved in known.equations.get(shown.number, []):
        yield ""
        yield f"{known.status}: {proved['theorem']} ({', '.join(proved['assumptions']) or 'no assumption'})"
    if not known.checked:
        yield ""
        yield f"Formal proof: {known.status}"
    for function in dict.fromkeys(function_of(shown.number, reading.variant) for reading in shown.readings):
        yield ""
        yield inspect.getsource(function).rstrip()


def _outcome(gathered: Gathered, number: int, reading: Reading) -> str:
    """Whether a reading "fails" in a line, "holds" in all, or is "undecided": a line was never compared."""
    tallies = [_total(gathered, number, reading, line.number) for line in reading.lines]
    if any(tally.failed for tally in tallies):
        return "fails"
    return "holds" if all(tally.comparisons for tally in tallies) else "undecided"


def found(shown: Equation, outcomes: Sequence[str]) -> str:
    """What the check finds of an equation, in a sentence; `outcomes` are those of its readings."""
    match outcomes:
        case ["holds", *_]:
            return "A definition, consistent with the others." if shown.kind == "definition" else "Holds as printed."
        case ["fails", "holds"]:
            return f"Fails as printed; corrected, it holds. The correction: {shown.change}."
        case ["fails"] | ["fails", "fails"]:
            return "Fails as printed, and no reading of it that is known here holds."
        case _:
            return "Undecided: a line of it was not met on these networks."


def _total(gathered: Gathered, number: int, reading: Reading, line: int) -> Tally:
    total = Tally()
    cases = range(len(reading.lines[line - 1].cases) + 1)
    for mode in MODES:
        for case in cases:
            total.add(gathered.tallies.get(Key(number, reading.variant, line, case, mode), Tally()))
    return total
