"""What was done wrong in the forward pass: from f's loss and gradients on a few networks to mistakes by name.

A mistake of the forward pass is named if a pass with it gives f's loss on every network. What is said of the gradients
is a claim of its own: that they are right, that they are what (42)-(46) give on the states of that pass, that they are
those of its loss; or that a mistake of the backward pass is there besides; or nothing but where they go wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from ..answers import Case, Grads, Truth
from ..conventions import Conventions
from ..deviations import Deviation
from ..diagnosis import diagnose as diagnose_backward
from ..matching import items, same
from ..mistakes import catalogue, mistake
from ..result import Mistake
from ..search import Budget
from ..variations import simulate_in
from .gradients import GRADIENTS, OWN, READINGS, RIGHT, Walked, own_gradients
from .passing import walk
from .search import search

_LAYERS = {
    "": "every hidden layer",
    "first-layer": "layer 1",
    "lower-layers": "hidden layers l < n - 1",
    "upper-layers": "hidden layers l > 1",
    "top-layer": "hidden layer n - 1",
    "output-layer": "layer n, the output",
}
_ENOUGH = 3
"""On how many networks a loss has to be given if the gradients say nothing."""
_MOST_WAYS = 4
"""Of how many passes that give the same losses the gradients are looked at."""
_READ = {
    RIGHT: "the gradients are those of J all the same",
    OWN: "the gradients are those of this loss: the backward pass fits the forward pass",
}
_BY_FORMULAS = "the gradients are what (42)-(46) give on the states of this forward pass"


@dataclass(frozen=True)
class Passed:
    """What is known of f's forward pass.

    Attributes
    ----------
    conventions : those under which it is f's
    mistakes : in it, and what the gradients are
    """

    conventions: Conventions
    mistakes: list[Mistake]


@dataclass(frozen=True)
class _Way:
    """One forward pass that gives f's loss on every network, with the networks as it sees them."""

    conventions: Conventions
    deviations: tuple[Deviation, ...]
    cases: Sequence[Case]

    def gradients(self, case: Case, reading: str) -> Grads | None:
        """What a reading gives on a network."""
        if reading == RIGHT:
            return case.truth.grads
        if reading == OWN:
            return own_gradients(case.probe, self.conventions, self.deviations)
        return simulate_in(self.setting(case, reading), [])

    def setting(self, case: Case, reading: str) -> Walked:
        """What (42)-(46) start from on a network."""
        w = walk(case.probe, self.conventions, self.deviations)
        assert w is not None  # it gave f's loss there
        return Walked(case.probe, self.conventions, w, reading.split(" "))

    def explains(self, case: Case, reading: str) -> int | None:
        """How many gradients of a network a reading does not give; None if it means nothing."""
        if reading == RIGHT:
            return len(case.outside - {"J"})
        grads = self.gradients(case, reading)
        return None if grads is None else sum(not same(i, grads[i.l - 1][i.name]) for i in items([case]))

    def reading(self) -> str | None:
        """The reading that gives all gradients of all networks; None if there is none."""
        small = sorted(self.cases, key=lambda case: case.probe.T * sum(case.probe.d))
        for reading in _readings():
            if all(self.explains(case, reading) == 0 for case in small):
                return reading
        return None


def diagnose(
    cases_of: Callable[[Conventions], Sequence[Case]],
    conventions: Conventions,
    declared: Mapping[str, object],
    budget: Budget | None = None,
) -> Passed | None:
    """The mistakes of the forward pass; None if f's loss is that of no pass that is known.

    Parameters
    ----------
    cases_of
        Gives every network that f answered, under conventions.
    conventions
        Those that were settled; if f's loss is wrong, they may be others.
    declared
        Those that are not to be found out, by name.
    budget
        Of the backward pass, as in `diagnosis.diagnose`.
    """
    found = search(cases_of(conventions), declared)
    if not found:
        return None
    ways = [_Way(c, deviations, cases_of(c)) for c, deviations in found[:_MOST_WAYS]]
    read = [(way, reading) for way in ways if (reading := way.reading()) is not None]
    if read:
        (best, reading), *others = read
        return Passed(best.conventions, _named(best, [way for way, _ in others], reading, []))
    best, base = min(product(ways, _readings(formulas_only=True)), key=lambda each: _missed(*each))
    besides = [way for way in ways if way is not best]
    behind = diagnose_backward([_after(best, case, base) for case in best.cases], budget)
    if behind and all(_is_named(m) for m in behind):
        return Passed(best.conventions, _named(best, besides, base, behind))
    if len(best.cases) < _ENOUGH:
        return None
    return Passed(best.conventions, [*_named(best, besides, None, []), _not_explained(best)])


def _readings(*, formulas_only: bool = False) -> Iterator[str]:
    formulas = [" ".join(words) for words in product(*READINGS.values())]
    yield from formulas if formulas_only else (RIGHT, *formulas, OWN)


def _missed(way: _Way, reading: str) -> int:
    """How many gradients of two small networks a reading does not give."""
    small = sorted(way.cases, key=lambda case: (case.probe.n < 3, case.probe.T * sum(case.probe.d)))[:2]
    return sum(len(list(case.tensors())) if (n := way.explains(case, reading)) is None else n for case in small)


def _after(way: _Way, case: Case, reading: str) -> Case:
    """A network as the backward pass sees it: right is what (42)-(46) give on the states of f's forward pass."""
    setting, truth = way.setting(case, reading), case.truth
    grads = simulate_in(setting, [])
    assert grads is not None  # the right law is one on every network
    least, limits = truth.least, (lambda: truth.limits)
    return replace(case, truth=Truth(truth.loss, grads, least, limits, truth.source), setting=setting)


def _is_named(found: Mistake) -> bool:
    return found.slug in catalogue() and catalogue()[found.slug].kind == "variation"


def _named(best: _Way, others: Sequence[_Way], reading: str | None, behind: Sequence[Mistake]) -> list[Mistake]:
    """The mistakes of one way, and those of the backward pass behind it."""
    count = len(best.cases)
    sure = f"reproduced exactly on {count} network{'s' if count > 1 else ''}"
    what = ""
    if best.cases[0].answer.loss is not None:
        what = ": the loss; "
        what += "the gradients are not told" if reading is None else _READ.get(reading, _BY_FORMULAS)
        what += ", but for what is said below" if behind else ""
    merged: dict[tuple[str, str], list[str]] = {}
    for deviation in best.deviations:
        merged.setdefault((deviation.slug, deviation.parameter), []).append(deviation.tensor)
    alternatives = sorted({" with ".join(d.slug for d in way.deviations) for way in others})
    instead = f"; not distinguishable here from {' or '.join(alternatives)}" if alternatives else ""
    mistakes = []
    for (slug, parameter), places in merged.items():
        told = mistake(
            slug,
            parameter=parameter,
            layers=" and ".join(_LAYERS[place] for place in places),
            certainty=sure + what + instead,
            alternatives=tuple(alternatives),
            deviations=tuple(str(Deviation(slug, parameter, place)) for place in places),
        )
        mistakes.append(told)
    if reading is not None:
        said = (*mistakes[0].deviations, str(Deviation(GRADIENTS, reading)))
        mistakes[0] = replace(mistakes[0], deviations=said)
    return [*mistakes, *behind]


def _not_explained(way: _Way) -> Mistake:
    """The gradients are wrong beside the loss, and no mistake that is known gives them."""
    wrong = min(
        (way.cases[0].probe.n - l, l, name)
        for case in way.cases
        for l, name in case.tensors()
        if any(i.l == l and i.name == name and not i.right for i in items([case]))
    )
    _, l, name = wrong
    return Mistake(
        slug="located",
        equation=None,
        message=f"the gradients are not those of this loss, nor {_BY_FORMULAS.removeprefix('the gradients are ')}",
        where=f"from dJ/d{name}^({l}) on, counted from the output",
        remedy="Put the forward pass right first, and check again.",
        certainty="located, not named",
    )
